"""HTTP clients as people use them read, fail and burst, and keep their connections where they are
meant to."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.environment import ENVIRONMENT_CREDENTIALS, PORT, settings
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN
from support.project import EXAMPLE_STORE, NODE, PROJECT, TOOLS

FOLDER = PROJECT / "tests" / "clients"
BURST = 64

# What `make clients` has installed goes first.
PATH = f"{TOOLS / 'clients' / 'bin'}:{os.environ['PATH']}"


@dataclass(frozen=True)
class Client:
    """How it is run, with what of the machine, and how many connections it takes at most, if it keeps any."""

    command: list[str]
    kept: int | None
    needs: str | None = None

    @property
    def name(self) -> str:
        return " ".join(Path(word).name for word in self.command[-2:])


CLIENTS = [
    Client([sys.executable, "python_urllib.py"], None),
    Client([sys.executable, "python_http_client.py"], BURST + 1),
    Client([sys.executable, "python_requests.py"], BURST + 1),
    Client([sys.executable, "python_httpx.py"], BURST + 1),
    Client([sys.executable, "python_aiohttp.py"], BURST + 1),
    Client([str(NODE), "node_fetch.mjs"], BURST + 1),
    Client([str(NODE), "node_http.mjs"], BURST + 1),
    Client([str(NODE), "node_keep_alive_agent.mjs"], 1),
    Client([str(TOOLS / "go" / "bin" / "go"), "run", "go_net_http.go"], BURST + 1),
    Client(["./curl.sh"], 3 + BURST + 1, "curl"),
    Client(["./curl.sh", "--http2"], 3 + BURST + 1, "curl"),
    Client(["ruby", "ruby_net_http.rb"], BURST + 1, "ruby"),
    Client(["php", "php_curl.php"], BURST + 2, "php"),
    Client(["php", "php_streams.php"], None, "php"),
    Client(["java", "JavaHttpClient.java"], BURST + 1, "javac"),
    # Without a burst, all of its reads take one connection.
    Client(["java", "JavaHttpClient.java", "without-burst"], 1, "javac"),
    Client(["java", "JavaUrlConnection.java"], BURST + 2, "javac"),
]


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


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_client_reads_fails_and_bursts(client: Client, proxy: CountingProxy, tmp_path: Path) -> None:
    skip_if_the_machine_lacks(client)
    environment = {
        "PATH": PATH, "PORT": str(proxy.port), "AWS_SESSION_TOKEN": SESSION_TOKEN,
        "HOME": str(tmp_path), "GOCACHE": str(TOOLS / "go-cache"), "GOTOOLCHAIN": "local",
    }  # fmt: skip

    done = subprocess.run(client.command, cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
    if client.kept is not None:
        assert proxy.connections <= client.kept


def test_every_client_is_run() -> None:
    run = {Path(word).name for client in CLIENTS for word in client.command}
    assert {file.name for file in FOLDER.iterdir()} - run == {"README.md"}


def skip_if_the_machine_lacks(client: Client) -> None:
    """`make clients` has installed what was missing, and skips none."""
    if os.environ.get("CLIENTS") == "all" or client.needs is None:
        return
    if shutil.which(client.needs, path=PATH) is None:
        pytest.skip(f"{client.needs} is missing: make clients installs it")
    if client.name.endswith("php_curl.php"):
        loaded = subprocess.run(["php", "-r", "exit((int) !extension_loaded('curl'));"], env={"PATH": PATH})
        if loaded.returncode != 0:
            pytest.skip("PHP has no curl: make clients installs it")
