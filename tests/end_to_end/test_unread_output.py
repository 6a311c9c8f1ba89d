"""Standard output that is not read stops nothing: lines are dropped, and the log says how many."""

import http.client
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from support.environment import ENVIRONMENT_CREDENTIALS, PORT, TOKEN_HEADER, settings
from support.private_words import SESSION_TOKEN
from support.project import EXAMPLE_STORE, extension_binary
from support.waiting import eventually

PATH = "/secretsmanager/get?secretId=example/plain"

# At DEBUG a hit is a line of some 100 bytes: together twice what a pipe and the log's buffer hold.
HITS = 15_000

DROPPED = re.compile(rb" WARN lines were dropped here: standard output was not read count=(\d+)\n")


def test_an_unread_output_holds_up_neither_hits_nor_the_end() -> None:
    with extension_whose_output_is_not_read() as process:
        ask(HITS)

        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0


def test_an_output_that_is_read_again_says_how_many_lines_are_missing() -> None:
    with extension_whose_output_is_not_read() as process:
        ask(HITS)
        assert process.stdout is not None
        kept = 0
        while not (dropped := DROPPED.search(line := process.stdout.readline())):
            kept += b" DEBUG hit key=" in line
        process.send_signal(signal.SIGTERM)
        after_the_gap = process.stdout.read()

    assert kept + int(dropped[1]) == HITS - 1  # the first was a miss
    assert b" DEBUG stopped\n" in after_the_gap


@contextmanager
def extension_whose_output_is_not_read() -> Iterator[subprocess.Popen[bytes]]:
    environment = settings(**ENVIRONMENT_CREDENTIALS, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))
    with subprocess.Popen([extension_binary()], env=environment, stdout=subprocess.PIPE) as process:
        try:
            eventually(is_serving, "the extension serves")
            yield process
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
