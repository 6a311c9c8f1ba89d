"""Standard output that is not read stops nothing: lines are dropped, and the log says how many."""

import http.client
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest

from support.environment import ENVIRONMENT_CREDENTIALS, PORT, TOKEN_HEADER, settings
from support.private_words import SESSION_TOKEN
from support.project import EXAMPLE_STORE, extension_binary
from support.waiting import eventually

PATH = "/secretsmanager/get?secretId=example/plain"

# At DEBUG a hit is a line of some 100 bytes: together twice what a pipe and the log's buffer hold.
HITS = 15_000

DROPPED = re.compile(rb" WARN lines were dropped here: standard output was not read count=(\d+)\n")


@pytest.fixture(params=[True, False], ids=["blocking", "non-blocking"])
def pipe(request: pytest.FixtureRequest) -> Iterator[tuple[BinaryIO, int]]:
    """Node makes a pipe that it shares with the extension non-blocking, for all that write to it."""
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, request.param)
    with open(read_end, "rb") as output:
        yield output, write_end


def test_an_unread_output_holds_up_neither_hits_nor_the_end(pipe: tuple[BinaryIO, int]) -> None:
    with extension_whose_output_is_not_read(pipe) as (process, _output):
        ask(HITS)

        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_an_output_that_is_read_again_says_how_many_lines_are_missing(pipe: tuple[BinaryIO, int]) -> None:
    with extension_whose_output_is_not_read(pipe) as (process, output):
        ask(HITS)
        kept = 0
        while not (dropped := DROPPED.search(line := output.readline())):
            kept += b" DEBUG hit key=" in line
        process.send_signal(signal.SIGTERM)
        after_the_gap = output.read()

    assert kept + int(dropped[1]) == HITS - 1  # the first was a miss
    assert b" DEBUG stopped\n" in after_the_gap


@contextmanager
def extension_whose_output_is_not_read(
    pipe: tuple[BinaryIO, int],
) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    output, write_end = pipe
    environment = settings(**ENVIRONMENT_CREDENTIALS, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))
    with subprocess.Popen([extension_binary()], env=environment, stdout=write_end) as process:
        os.close(write_end)  # the extension's alone, so that the output ends with it
        try:
            eventually(is_serving, "the extension serves")
            yield process, output
        finally:
            process.kill()


def is_serving() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except ConnectionRefusedError:
        return False
    finally:
        connection.close()


def ask(times: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=10)
    for _ in range(times):
        connection.request("GET", PATH, headers={TOKEN_HEADER: SESSION_TOKEN})
        assert connection.getresponse().read().endswith(b'"ResultMetadata":{}}')
    connection.close()
