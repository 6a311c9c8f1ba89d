"""While an upstream is down, throttles or hangs, a function goes on with what it has."""

import pytest

from conftest import StartEmulator
from support.aws_answers import GET_SECRET, failure, not_found, secret
from support.aws_stub import AwsStub
from support.emulator import Emulator
from support.fault_proxy import FaultProxy
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.readers import HANDLER, STALE, read

SECRET = "/secretsmanager/get?secretId=db"
REFRESH = SECRET + "&refreshNow=true"
THROTTLED = failure("ThrottlingException", "Rate exceeded")
SHORT_TTL = {"SECRETS_MANAGER_TTL": "1"}
TEN_TTLS = 10.0

one_thread_and_many = pytest.mark.parametrize("callers", [1, 64])


def warnings(emulator: Emulator) -> list[str]:
    return [found[0] for found in emulator.log.matches(r"^.* WARN answering with an old value.*$")]


@one_thread_and_many
def test_an_outage_of_ten_ttls_is_answered_with_200s_throughout(
    start_emulator: StartEmulator, moto: MotoUpstream, proxy_to_moto: FaultProxy, callers: int
) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator(HANDLER, proxy_to_moto.url, **SHORT_TTL)
    assert read(emulator, SECRET).statuses == {"200"}

    proxy_to_moto.refuse()
    assert proxy_to_moto.cut_all() >= 1
    readers = read(emulator, SECRET, callers, TEN_TTLS)

    assert readers.statuses == {"200"}
    assert readers.most_waits <= 1, "only while it was not known yet that fetches fail"
    for last in readers.last:
        assert last["headers"]["Warning"] == STALE
        assert int(last["headers"]["Age"]) >= TEN_TTLS - 1
        assert value_of("db") in last["body"]
    (warning,) = warnings(emulator)
    assert "key=/secretsmanager/get?secretId=db" in warning
    assert "age_s=" in warning

    moto.put_secret_value("db", value_of("db, the new one"))
    proxy_to_moto.accept_again()
    assert read(emulator, REFRESH).statuses == {"200"}
    (last,) = read(emulator, SECRET).last
    assert value_of("db, the new one") in last["body"]
    assert {"Age", "Warning"}.isdisjoint(last["headers"])


@one_thread_and_many
def test_a_throttling_storm_at_expiry_is_answered_with_200s_by_few_calls(
    start_emulator: StartEmulator, stub: AwsStub, callers: int
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")), THROTTLED)
    emulator = start_emulator(HANDLER, stub.url, **SHORT_TTL)
    assert read(emulator, SECRET).statuses == {"200"}

    readers = read(emulator, SECRET, callers, seconds=5.0)

    assert readers.statuses == {"200"}
    assert all(last["headers"]["Warning"] == STALE for last in readers.last)
    assert len(warnings(emulator)) == 1
    assert stub.in_flight.peak == 1
    # At the end of the TTL, and after pauses of 1 s and 2 s.
    assert len(stub.calls) <= 5


@pytest.mark.parametrize(
    ("variable", "callers"),
    [
        ("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", 1),
        ("PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS", 64),
        ("SECRETS_MANAGER_TIMEOUT_MILLIS", 64),
    ],
)
def test_a_hung_upstream_costs_no_more_than_the_deadline_and_never_an_answer(
    start_emulator: StartEmulator, stub: AwsStub, variable: str, callers: int
) -> None:
    value = secret("db", value_of("db"))
    stub.lay_down(GET_SECRET, "db", value, value.hanging())
    stub.lay_down(GET_SECRET, "other", value.hanging())
    emulator = start_emulator(HANDLER, stub.url, **SHORT_TTL, **{variable: "700"})
    assert read(emulator, SECRET).statuses == {"200"}

    readers = read(emulator, SECRET, callers, seconds=3.0)
    without_any = read(emulator, "/secretsmanager/get?secretId=other", callers)

    assert readers.statuses == {"200"}
    assert readers.most_waits <= 1
    assert all(last["headers"]["Warning"] == STALE for last in readers.last)
    assert without_any.statuses == {"400"}
    for last in without_any.last:
        assert last["headers"]["X-Amzn-ErrorType"] == "RequestTimeout"
        assert 0.6 < last["seconds"] < 2.0


def test_a_secret_that_was_deleted_is_not_answered_from_memory_not_even_in_a_later_outage(
    start_emulator: StartEmulator, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")), not_found(GET_SECRET), THROTTLED)
    emulator = start_emulator(HANDLER, stub.url, SECRETS_MANAGER_TIMEOUT_MILLIS="1500")
    assert read(emulator, SECRET).statuses == {"200"}
    assert read(emulator, REFRESH).last[0]["headers"]["X-Amzn-ErrorType"] == "ResourceNotFoundException"

    (last,) = read(emulator, SECRET).last

    assert (last["status"], last["headers"]["X-Amzn-ErrorType"]) == (400, "ThrottlingException")
