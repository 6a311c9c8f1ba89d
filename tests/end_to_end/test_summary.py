"""The last line of the log says what the cache was worth."""

import signal

from conftest import StartExtension
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.log_file import LogFile
from support.private_words import value_of

SUMMARY = r" INFO summary hits=2 misses=1 coalesced=0 stale=0 upstream_calls=1 failed_fetches=0 throttled=0 calls_saved=2 longest_queue=0 "


def test_on_sigterm_the_log_sums_up(start_extension: StartExtension, stub: AwsStub, log: LogFile) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    extension = start_extension(stub.url, PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL="INFO")
    for _ in range(3):
        assert extension.get("/secretsmanager/get?secretId=db").status == 200

    extension.signal(signal.SIGTERM)

    assert extension.wait_for_exit() == 0
    assert log.matches(SUMMARY + r"slowest_fetch_ms=\d+$")
