"""A port that is taken, on either loopback address, is one clear line, an init error, and a
non-zero exit."""

import socket
from collections.abc import Iterator

import pytest

from conftest import StartEmulator
from support.environment import PORT, settings
from support.extension import Extension
from support.log_file import LogFile
from support.project import NAME

A_CLEAR_LINE = rf"^.* ERROR .*\b{PORT}\b.*$"


@pytest.fixture(params=["127.0.0.1", "::1"])
def taken_port(request: pytest.FixtureRequest) -> Iterator[None]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.create_server((request.param, PORT), family=family):
        yield


def test_the_init_fails_with_an_error_that_lambda_shows(taken_port: None, start_emulator: StartEmulator) -> None:
    emulator = start_emulator("reads.handler", "https://127.0.0.1:1")

    assert emulator.invoke({"paths": []}).status == 502
    assert emulator.log.matches("Extension.InitError")
    assert emulator.log.matches(f"extension-{NAME}-1 exited: exit status [1-9]")
    assert emulator.log.matches(A_CLEAR_LINE)


def test_outside_lambda_it_says_so_once_and_exits_non_zero(taken_port: None, log: LogFile) -> None:
    extension = Extension(settings(), log).start()

    assert extension.wait_for_exit() != 0
    assert len(log.matches(A_CLEAR_LINE)) == 1
    assert "panicked" not in log.text()
