"""Minutes of being frozen, which only the wall clock has seen."""

import signal

import pytest

from conftest import StartEmulator
from support import processes
from support.fault_proxy import FaultProxy
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import NAME
from support.readers import HANDLER, STALE, read
from support.waiting import eventually
from support.wall_clock import WallClock

SECRET = "/secretsmanager/get?secretId=db"
MINUTE = 60
OLD, NEW = value_of("db"), value_of("db, the new one")

one_thread_and_many = pytest.mark.parametrize("callers", [1, 64])


def freeze(minutes: int, wall_clock: WallClock, proxy: FaultProxy) -> None:
    """What the extension finds afterwards: dead connections and another time of day."""
    extension = processes.find(NAME)
    extension.signal(signal.SIGSTOP)
    eventually(extension.is_stopped, "the extension is frozen")
    proxy.cut_all()
    wall_clock.step(minutes * MINUTE)
    extension.signal(signal.SIGCONT)


@one_thread_and_many
def test_after_minutes_of_being_frozen_a_value_past_its_ttl_is_fetched_once(
    start_emulator: StartEmulator, moto: MotoUpstream, proxy_to_moto: FaultProxy, wall_clock: WallClock, callers: int
) -> None:
    moto.put_secret("db", OLD)
    emulator = start_emulator(HANDLER, proxy_to_moto.url, **wall_clock.environment)
    assert OLD in read(emulator, SECRET).last[0]["body"]
    moto.put_secret_value("db", NEW)

    freeze(2, wall_clock, proxy_to_moto)
    assert all(OLD in last["body"] for last in read(emulator, SECRET, callers).last)
    freeze(6, wall_clock, proxy_to_moto)
    readers = read(emulator, SECRET, callers)

    assert readers.statuses == {"200"}
    assert all(NEW in last["body"] and "Warning" not in last["headers"] for last in readers.last)
    assert len(moto.calls()) == 2


@one_thread_and_many
def test_a_freeze_in_the_middle_of_an_outage_counts_towards_the_age_of_the_old_value(
    start_emulator: StartEmulator, moto: MotoUpstream, proxy_to_moto: FaultProxy, wall_clock: WallClock, callers: int
) -> None:
    moto.put_secret("db", OLD)
    emulator = start_emulator(HANDLER, proxy_to_moto.url, **wall_clock.environment)
    assert read(emulator, SECRET).statuses == {"200"}
    proxy_to_moto.refuse()

    freeze(10, wall_clock, proxy_to_moto)
    readers = read(emulator, SECRET, callers)
    assert readers.statuses == {"200"}
    for last in readers.last:
        assert last["headers"]["Warning"] == STALE
        assert 10 * MINUTE <= int(last["headers"]["Age"]) < 11 * MINUTE
    freeze(30, wall_clock, proxy_to_moto)
    readers = read(emulator, SECRET, callers)
    assert readers.statuses == {"200"}, "after the one attempt that shows that it fails still"
    assert all(40 * MINUTE <= int(last["headers"]["Age"]) < 41 * MINUTE for last in readers.last)
    freeze(30, wall_clock, proxy_to_moto)
    assert read(emulator, SECRET, callers).statuses == {"400"}, "an hour after its TTL it is too old"


def test_a_wall_clock_that_went_back_ends_a_value_whose_age_cannot_be_known(
    start_emulator: StartEmulator, moto: MotoUpstream, proxy_to_moto: FaultProxy, wall_clock: WallClock
) -> None:
    moto.put_secret("db", OLD)
    emulator = start_emulator(HANDLER, proxy_to_moto.url, **wall_clock.environment)
    assert read(emulator, SECRET).statuses == {"200"}
    moto.put_secret_value("db", NEW)

    wall_clock.step(-10 * MINUTE)

    assert NEW in read(emulator, SECRET).last[0]["body"]
