"""On SHUTDOWN the extension ends by itself, long before Lambda would kill it."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import StartEmulator, StartExtension
from support import processes
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.environment import settings
from support.extension import Extension
from support.hanging_file import hanging
from support.log_file import LogFile
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import EXAMPLE_STORE, NAME
from support.waiting import eventually

SOON = 0.5
"""Seconds; Lambda leaves two, then kills."""


def test_it_exits_soon_after_lambda_says_so(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("reads.handler", moto.url)
    emulator.invoke({"paths": ["/secretsmanager/get?secretId=db"]})
    extension = processes.find(NAME)

    with ThreadPoolExecutor(1) as elsewhere:
        exit_code = elsewhere.submit(emulator.stop)
        assert extension.wait_for_exit(within=SOON)
        assert exit_code.result() == 0


def test_a_hung_upstream_call_does_not_delay_the_end_and_its_caller_is_told(
    start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).hanging())
    extension = start_extension(stub.url)

    with ThreadPoolExecutor(1) as elsewhere:
        reply = elsewhere.submit(extension.get, "/secretsmanager/get?secretId=db")
        eventually(lambda: stub.in_flight.now, "the call is in flight")
        told_at = time.monotonic()
        extension.signal(signal.SIGTERM)

        assert extension.wait_for_exit() == 0
        assert time.monotonic() - told_at < SOON
        assert reply.result().status == 400
        assert reply.result().text.startswith("an unexpected error occurred while executing request")


def test_a_file_that_hangs_does_not_delay_the_end(tmp_path: Path, log: LogFile) -> None:
    token_file = tmp_path / "token"
    token_file.write_text(value_of("token"))
    environment = settings(
        PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE),
        PARAMETERS_SECRETS_EXTENSION_TOKEN=f"file://{token_file}",
    )
    with hanging(token_file), Extension(environment, log) as extension:
        log.wait_for("cannot be read")
        told_at = time.monotonic()
        extension.signal(signal.SIGTERM)

        assert extension.wait_for_exit() == 0
        assert time.monotonic() - told_at < SOON
    log.wait_for("DEBUG stopped")
