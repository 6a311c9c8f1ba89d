"""Servers as processes: started on a port the system gives, asked what they cost, stopped."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

START_TIME_OUT = 10.0


class Process:
    """Runs from its making until it is stopped, or until the end of a `with`."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> None:
        self._command = " ".join(str(word) for word in command)
        self._log = folder / f"{Path(command[0]).name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                env={"PATH": os.environ["PATH"], **environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def first_line(self) -> str:
        """What it says first: this project's programs print their ports."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        if not line:
            raise RuntimeError(self._words("it ended before it said anything"))
        return line

    def wait_until_listening(self, port: int) -> None:
        deadline = time.monotonic() + START_TIME_OUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(self._words(f"it ended with {self._process.returncode}"))
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(self._words(f"nothing listens on port {port}"))

    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far, those that have ended included, in nanosecond
        steps."""
        clock_of_process = (~self.pid << 3) | 2  # what clock_getcpuclockid(3) makes of a process id
        return time.clock_gettime_ns(clock_of_process) / 1e9

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _words(self, what: str) -> str:
        return f"{self._command}: {what}\n{self._log.read_text(errors='replace')}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def free_port() -> int:
    """A port that is free at the moment, for programs that cannot be told to take any."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
