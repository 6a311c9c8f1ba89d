"""Every upstream call names the extension that makes it."""

import re

from conftest import StartExtension
from support.moto_upstream import MotoUpstream
from support.private_words import SESSION_TOKEN, value_of
from support.project import NAME, VERSION


def test_every_call_carries_the_name_and_the_version(start_extension: StartExtension, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    moto.put_parameter("/app/url", value_of("/app/url"))
    extension = start_extension(moto.url)

    extension.get("/secretsmanager/get?secretId=db")
    extension.get("/secretsmanager/get?secretId=not-there")
    extension.get("/systemsmanager/parameters/get?name=/app/url")

    token = re.compile(rf"(^|\s)\S*ExtensionUserAgent/{NAME}/{re.escape(VERSION)}(\s|$)")
    calls = moto.calls()
    assert len(calls) == 3
    assert all(token.search(call.user_agent) for call in calls), [call.user_agent for call in calls]


def test_calls_are_signed_with_the_functions_own_credentials(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    extension = start_extension(moto.url)

    extension.get("/secretsmanager/get?secretId=db")

    assert [call.session_token for call in moto.calls()] == [SESSION_TOKEN]
