"""Connections that are refused, reset or cut are a clear error, or not noticed when a new one
does."""

import pytest

from conftest import StartExtension
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.fault_proxy import FaultProxy, Mode
from support.private_words import value_of

SECRET = "/secretsmanager/get?secretId=db"
PREFIX = "an unexpected error occurred while executing request: DispatchFailure: "


@pytest.fixture
def upstream(stub: AwsStub) -> AwsStub:
    for key in ("db", "other"):
        stub.lay_down(GET_SECRET, key, secret(key, value_of(key)))
    return stub


def test_refused_connections_are_a_dispatch_failure_until_they_are_accepted_again(
    start_extension: StartExtension, upstream: AwsStub, proxy: FaultProxy
) -> None:
    proxy.refuse()
    extension = start_extension(proxy.url)

    refused = extension.get(SECRET)
    proxy.accept_again()
    accepted = extension.get(SECRET)

    assert (refused.status, refused.error_type) == (400, "DispatchFailure")
    assert refused.text.startswith(PREFIX)
    assert accepted.status == 200


@pytest.mark.parametrize("mode", [Mode.RESET, Mode.CUT_REPLIES], ids=lambda mode: mode.name)
def test_spoilt_connections_are_a_dispatch_failure_until_they_are_whole_again(
    mode: Mode, start_extension: StartExtension, upstream: AwsStub, proxy: FaultProxy
) -> None:
    proxy.mode = mode
    extension = start_extension(proxy.url)

    spoilt = extension.get(SECRET)
    proxy.mode = Mode.PASS
    whole = extension.get(SECRET)

    assert (spoilt.status, spoilt.error_type) == (400, "DispatchFailure")
    assert spoilt.text.startswith(PREFIX)
    assert whole.status == 200


def test_a_kept_connection_that_died_meanwhile_is_replaced_unnoticed(
    start_extension: StartExtension, upstream: AwsStub, proxy: FaultProxy
) -> None:
    extension = start_extension(proxy.url)
    assert extension.get(SECRET).status == 200

    assert proxy.cut_all() == 1

    assert extension.get("/secretsmanager/get?secretId=other").status == 200


def test_a_short_time_out_does_not_hide_that_connections_are_refused(
    start_extension: StartExtension, upstream: AwsStub, proxy: FaultProxy
) -> None:
    proxy.refuse()
    extension = start_extension(proxy.url, SECRETS_MANAGER_TIMEOUT_MILLIS="1000")

    replies = [extension.get(SECRET) for _ in range(5)]

    assert {reply.error_type for reply in replies} == {"DispatchFailure"}
    assert all("refused" in reply.text for reply in replies)
