"""After a function's time-out, crash or error, the next invocation works."""

from conftest import StartEmulator
from support.moto_upstream import MotoUpstream
from support.private_words import value_of

READ = {"do": "read", "path": "/secretsmanager/get?secretId=db"}


def test_after_a_time_out_the_next_invocation_is_served(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("misbehaves.handler", moto.url, AWS_LAMBDA_FUNCTION_TIMEOUT="1")

    timed_out = emulator.invoke({"do": "hang"})
    status, body = emulator.invoke(READ).json()

    assert "timed out" in timed_out.text
    assert (status, value_of("db") in body) == (200, True)


def test_after_a_crash_the_next_invocation_is_served(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("misbehaves.handler", moto.url)

    crashed = emulator.invoke({"do": "die"})
    status, body = emulator.invoke(READ).json()

    assert "Runtime.ExitError" in crashed.text
    assert (status, value_of("db") in body) == (200, True)


def test_an_error_of_the_handler_keeps_the_environment_and_what_is_cached(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("misbehaves.handler", moto.url)

    before = emulator.invoke(READ).json()
    raised = emulator.invoke({"do": "raise"})
    after = emulator.invoke(READ).json()

    assert raised.json()["errorType"] == "RuntimeError"
    assert before == after
    assert len(moto.calls()) == 1
