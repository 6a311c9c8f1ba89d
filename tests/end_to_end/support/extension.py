"""The extension by itself, as on a laptop: no Lambda around it."""

import http.client
import signal
import socket
import subprocess
from types import TracebackType
from typing import Self

from support.environment import PORT, TOKEN_HEADER
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN
from support.project import extension_binary
from support.reply import Reply, read_reply
from support.waiting import eventually


class Extension:
    """Runs from `with` until it is stopped, or until the end of the `with`."""

    def __init__(self, environment: dict[str, str], log: LogFile) -> None:
        self.log = log
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log.path.open("ab") as output:
            self._process = subprocess.Popen(
                [extension_binary()], env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )
        return self

    def wait_until_it_serves(self) -> None:
        eventually(self._is_listening, "the extension listens")

    def get(self, path: str, token: str | None = SESSION_TOKEN) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=30)
        try:
            connection.request("GET", path, headers={TOKEN_HEADER: token} if token else {})
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def wait_for_exit(self, within: float = 5.0) -> int:
        assert self._process is not None
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._kill()
            raise AssertionError(f"the extension still ran after {within:g} s:\n{self.log.text()}") from None

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _is_listening(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise AssertionError(f"the extension ended with {self._process.returncode}:\n{self.log.text()}")
        try:
            socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
        except ConnectionRefusedError:
            return False
        return True

    def __enter__(self) -> Self:
        self.start().wait_until_it_serves()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._kill()
