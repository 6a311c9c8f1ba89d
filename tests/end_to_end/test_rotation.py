"""The example in `examples/rotation` goes on working when its database password is rotated."""

import json

import pytest

from conftest import StartEmulator
from support.database import ANSWER, USER, Database
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import ROTATION_EXAMPLE

OLD, NEW = value_of("the old password"), value_of("the new password")


def login(password: str) -> str:
    return json.dumps({"username": USER, "password": password})


def rotate(moto: MotoUpstream, database: Database) -> None:
    """Sets the new password, then makes the secret's new version the current one.

    In one step, because moto goes on answering with the old version when a staging label is moved
    by itself.
    """
    database.password = NEW
    moto.put_secret_value("db", login(NEW))


def environment(database: Database) -> dict[str, str]:
    return {"PYTHONPATH": str(ROTATION_EXAMPLE), "SECRET_ID": "db", "DATABASE_URL": database.url}


def test_a_login_that_fails_after_a_rotation_costs_one_further_call_and_no_error(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", login(OLD))
    with Database(OLD) as database:
        emulator = start_emulator("app.handler", moto.url, **environment(database))
        assert [emulator.invoke().json() for _ in range(3)] == [ANSWER] * 3
        assert (len(moto.calls()), database.refused_logins) == (1, 0)

        rotate(moto, database)

        assert [emulator.invoke().json() for _ in range(3)] == [ANSWER] * 3
        assert (len(moto.calls()), database.refused_logins) == (2, 1)


@pytest.mark.parametrize("callers", [64])
def test_many_threads_that_fail_to_log_in_together_share_the_new_value(
    start_emulator: StartEmulator, moto: MotoUpstream, callers: int
) -> None:
    moto.put_secret("db", login(OLD))
    with Database(OLD) as database:
        emulator = start_emulator("rotation_herd.handler", moto.url, **environment(database))
        assert emulator.invoke({"callers": callers}).json() == [ANSWER] * callers

        rotate(moto, database)

        assert emulator.invoke({"callers": callers}).json() == [ANSWER] * callers
        # One for the cold start, and hardly more for the rotation than for one thread.
        assert len(moto.calls()) < 2 + callers / 4


def test_a_password_that_is_wrong_for_good_is_an_error_after_one_attempt_more(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", login(OLD))
    with Database(NEW) as database:
        emulator = start_emulator("app.handler", moto.url, **environment(database))

        assert emulator.invoke().json()["errorType"] == "LoginFailed"
        assert (len(moto.calls()), database.refused_logins) == (2, 2)
