"""The port is open on both loopback addresses, or on the only one there is."""

import http.client
import subprocess
from collections.abc import Iterator

import pytest

from conftest import StartExtension
from support.environment import PORT
from support.log_file import LogFile


@pytest.fixture
def without_ipv6() -> Iterator[None]:
    """Takes ::1 away for a test; the sandbox has a loopback device of its own."""
    subprocess.run(["ip", "-6", "address", "delete", "::1/128", "dev", "lo"], check=True)
    yield
    subprocess.run(["ip", "-6", "address", "add", "::1/128", "dev", "lo"], check=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_either_address_answers(host: str, start_extension: StartExtension) -> None:
    start_extension("https://127.0.0.1:1")

    assert ping(host) == b"healthy"


def test_a_host_without_ipv6_notices_nothing(
    without_ipv6: None, start_extension: StartExtension, log: LogFile
) -> None:
    start_extension("https://127.0.0.1:1")

    assert ping("127.0.0.1") == b"healthy"
    assert not log.matches(" (WARN|ERROR) ")


def ping(host: str) -> bytes:
    connection = http.client.HTTPConnection(host, PORT, timeout=10)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().read()
    finally:
        connection.close()
