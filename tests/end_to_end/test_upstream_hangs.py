"""A hung upstream never hangs a function that has set a time-out, and delays no other caller."""

import time

from conftest import StartExtension
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.fault_proxy import FaultProxy, Mode
from support.private_words import value_of

SECRET = "/secretsmanager/get?secretId=db"
PARAMETER = "/systemsmanager/parameters/get?name=/app/url"
PREFIX = "an unexpected error occurred while executing request: "


def test_the_time_out_of_the_user_ends_a_hung_call(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).hanging())
    extension = start_extension(stub.url, SECRETS_MANAGER_TIMEOUT_MILLIS="300")

    asked_at = time.monotonic()
    reply = extension.get(SECRET)
    seconds = time.monotonic() - asked_at

    assert (reply.status, reply.error_type) == (400, "RequestTimeout")
    assert reply.text.startswith(PREFIX + "RequestTimeout: ")
    assert 0.2 < seconds < 0.8


def test_the_time_outs_are_separate(start_extension: StartExtension, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).taking(0.4))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url")).hanging())
    extension = start_extension(stub.url, SSM_PARAMETER_STORE_TIMEOUT_MILLIS="200")

    assert extension.get(PARAMETER).error_type == "RequestTimeout"
    assert extension.get(SECRET).status == 200


def test_after_a_time_out_the_next_caller_tries_anew(start_extension: StartExtension, stub: AwsStub) -> None:
    value = secret("db", value_of("db"))
    stub.lay_down(GET_SECRET, "db", value.hanging(), value)
    extension = start_extension(stub.url, SECRETS_MANAGER_TIMEOUT_MILLIS="200")

    assert [extension.get(SECRET).status for _ in range(2)] == [400, 200]


def test_an_upstream_that_accepts_and_says_nothing_is_given_up_within_the_time_out(
    start_extension: StartExtension, proxy: FaultProxy
) -> None:
    proxy.mode = Mode.BLACK_HOLE
    extension = start_extension(proxy.url, SECRETS_MANAGER_TIMEOUT_MILLIS="300")

    assert extension.get(SECRET).error_type == "RequestTimeout"


def test_without_any_time_out_an_upstream_that_cannot_be_reached_is_given_up(
    start_extension: StartExtension, proxy: FaultProxy
) -> None:
    """As in a private network without a route: the connect time-out is the extension's own."""
    proxy.mode = Mode.BLACK_HOLE
    extension = start_extension(proxy.url)

    asked_at = time.monotonic()
    reply = extension.get(SECRET)

    assert reply.status == 400
    assert reply.text.startswith(PREFIX)
    assert time.monotonic() - asked_at < 15
