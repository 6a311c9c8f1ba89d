"""Where it is set, a failure is answered again without a call for a short while."""

from collections import Counter

from conftest import StartEmulator
from support.aws_answers import GET_SECRET, not_found, secret
from support.aws_stub import AwsStub
from support.private_words import value_of
from support.readers import HANDLER, read

SECRET = "/secretsmanager/get?secretId=db"
ERROR_TTL = "PARAMETERS_SECRETS_EXTENSION_ERROR_TTL_MILLIS"


def test_a_missing_secret_that_64_threads_read_in_a_loop_costs_one_call(
    start_emulator: StartEmulator, stub: AwsStub
) -> None:
    emulator = start_emulator(HANDLER, stub.url, **{ERROR_TTL: "60000"})

    readers = read(emulator, SECRET, callers=64, seconds=1.0)

    assert readers.statuses == {"400"}
    codes = Counter(last["headers"]["X-Amzn-ErrorType"] for last in readers.last)
    assert codes == {"ResourceNotFoundException": 64}
    assert len(stub.calls) == 1


def test_a_refresh_finds_the_secret_as_soon_as_there_is_one(start_emulator: StartEmulator, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", not_found(GET_SECRET), secret("db", value_of("db")))
    emulator = start_emulator(HANDLER, stub.url, **{ERROR_TTL: "60000"})
    assert [read(emulator, SECRET).statuses for _ in range(3)] == [{"400"}] * 3

    assert read(emulator, SECRET + "&refreshNow=TRUE").statuses == {"200"}
    assert read(emulator, SECRET).statuses == {"200"}
    assert len(stub.calls) == 2
