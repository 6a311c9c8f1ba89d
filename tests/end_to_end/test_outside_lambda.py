"""Without Lambda around it, the extension serves until it is told to end."""

import signal

import pytest

from conftest import StartExtension
from support.moto_upstream import MotoUpstream
from support.private_words import value_of


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_it_serves_until_it_is_told_to_end_and_exits_0(
    number: signal.Signals, start_extension: StartExtension, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    extension = start_extension(moto.url)

    assert extension.get("/secretsmanager/get?secretId=db").status == 200
    extension.signal(number)

    assert extension.wait_for_exit() == 0


def test_ping_is_answered_without_a_token(start_extension: StartExtension, moto: MotoUpstream) -> None:
    reply = start_extension(moto.url).get("/ping", token=None)

    assert (reply.status, reply.body) == (200, b"healthy")


@pytest.mark.parametrize("token", [None, "wrong"])
def test_nothing_else_is_answered_without_the_right_token(
    token: str | None, start_extension: StartExtension, moto: MotoUpstream
) -> None:
    reply = start_extension(moto.url).get("/secretsmanager/get?secretId=db", token)

    assert (reply.status, reply.error_type) == (401, "AccessDeniedException")
    assert reply.body == b"bad session token or header key"
    assert moto.calls() == []
