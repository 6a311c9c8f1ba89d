"""AWS's runtime interface emulator: it starts the extension and the function, and speaks Lambda's
APIs."""

import http.client
import json
import signal
import socket
import subprocess
from types import TracebackType
from typing import Any, Self

from support.function import Function
from support.log_file import LogFile
from support.project import EMULATOR
from support.reply import Reply, read_reply
from support.waiting import eventually

INVOKE_PORT = 8080
RUNTIME_API_PORT = 9001


class Emulator:
    """Starts what lies in /opt/extensions, and the function, when it is first invoked.

    Those two see the emulator's own environment.
    """

    def __init__(
        self,
        function: Function,
        environment: dict[str, str],
        log: LogFile,
        options: tuple[str, ...] = (),
    ) -> None:
        self.log = log
        self._function = function
        self._environment = {
            "AWS_LAMBDA_FUNCTION_NAME": "function-under-test",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": "20",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "LAMBDA_TASK_ROOT": str(function.folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
        }
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        command = [
            str(EMULATOR), "--log-level", "info", *self._options,
            "--runtime-interface-emulator-address", f"127.0.0.1:{INVOKE_PORT}",
            "--runtime-api-address", f"127.0.0.1:{RUNTIME_API_PORT}",
            *self._function.command,
        ]  # fmt: skip
        with self.log.path.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self._environment, cwd=self._function.folder, stdout=output, stderr=subprocess.STDOUT
            )
        eventually(self._is_listening, "the emulator listens")
        return self

    def invoke(self, event: Any = None) -> Reply:
        """One invocation. An error of the function is a 200 with an error in its body, as on
        Lambda."""
        connection = http.client.HTTPConnection("127.0.0.1", INVOKE_PORT, timeout=60)
        try:
            connection.request(
                "POST", "/2015-03-31/functions/function/invocations", json.dumps(event),
                {"Content-Type": "application/json"},
            )  # fmt: skip
            return read_reply(connection.getresponse())
        finally:
            connection.close()

    def stop(self, within: float = 10.0) -> int:
        """Lambda's shutdown of the whole environment; returns the emulator's exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(within)

    def _is_listening(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError(f"the emulator ended with {self._process.returncode}:\n{self.log.text()}")
        try:
            # The first invocation starts the extension, which connects to the second port.
            for port in (INVOKE_PORT, RUNTIME_API_PORT):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return False
        return True

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
