"""HTTP clients as people use them read, fail and burst, and keep their connections where they are
meant to."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from support.environment import ENVIRONMENT_CREDENTIALS, PORT, settings
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN
from support.project import EXAMPLE_STORE, NODE, PROJECT

CLIENTS = PROJECT / "tests" / "clients"
BURST = 64

# Where this machine has it. Without a burst, all of HttpClient's reads take one connection.
JAVA: list[tuple[list[str], int | None]] = (
    [
        (["java", "JavaHttpClient.java"], BURST + 1),
        (["java", "JavaHttpClient.java", "without-burst"], 1),
        (["java", "JavaUrlConnection.java"], BURST + 2),
    ]
    if shutil.which("java")
    else []
)


class CountingProxy:
    """Passes connections on to the extension, and counts them."""

    def __init__(self) -> None:
        self.connections = 0
        self._listener = socket.create_server(("localhost", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.create_connection(("127.0.0.1", PORT))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def proxy(log: LogFile) -> Iterator[CountingProxy]:
    environment = settings(**ENVIRONMENT_CREDENTIALS, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))
    proxy = CountingProxy()
    with Extension(environment, log):
        yield proxy
    proxy.close()


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ([sys.executable, "python_urllib.py"], None),
        ([sys.executable, "python_http_client.py"], BURST + 1),
        ([sys.executable, "python_requests.py"], BURST + 1),
        ([str(NODE), "node_fetch.mjs"], BURST + 1),
        ([str(NODE), "node_http.mjs"], BURST + 1),
        (["./curl.sh"], 3 + BURST + 1),
        (["./curl.sh", "--http2"], 3 + BURST + 1),
        *JAVA,
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_a_client_reads_fails_and_bursts(command: list[str], kept: int | None, proxy: CountingProxy) -> None:
    run(command, proxy)

    if kept is not None:
        assert proxy.connections <= kept


def run(command: list[str], proxy: CountingProxy) -> None:
    environment = {"PATH": os.environ["PATH"], "PORT": str(proxy.port), "AWS_SESSION_TOKEN": SESSION_TOKEN}
    done = subprocess.run(command, cwd=CLIENTS, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
