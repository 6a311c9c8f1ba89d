"""Load by wrk: steady hits, and bursts of one request for each connection."""

import json
import signal
import subprocess
from dataclasses import dataclass

from bench import project
from bench.peers import TOKEN, TOKEN_HEADER

LONGEST_BURST = 120  # seconds


@dataclass(frozen=True)
class Steady:
    requests: int
    seconds: float
    median_us: float
    p99_us: float
    max_us: float
    failed: int

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


@dataclass(frozen=True)
class Slowest:
    """How long the callers of a burst waited, from sending the request to having read the
    answer."""

    median_ms: float
    p99_ms: float
    slowest_ms: float


class Burst:
    """Requests of many callers under way; `wait` gives what they saw."""

    def __init__(self, port: int, path: str, callers: int, *, distinct: bool = False) -> None:
        self._callers = callers
        self._wrk = subprocess.Popen(
            _wrk(port, path, callers, LONGEST_BURST, "burst.lua")
            + ["--", str(callers), "distinct" if distinct else "same"],
            stdout=subprocess.PIPE,
            text=True,
            env=project.environment(),
        )

    def wait(self) -> Slowest:
        assert self._wrk.stdout is not None
        for line in self._wrk.stdout:
            if line.startswith("answered "):
                if refused := int(line.split()[1]):
                    raise RuntimeError(f"{refused} of {self._callers} callers did not get their value")
                self._wrk.send_signal(signal.SIGINT)
                break
        result = json.loads(_last_line(self._wrk.stdout.read()))
        self._wrk.wait()
        return Slowest(result["median_us"] / 1e3, result["p99_us"] / 1e3, result["max_us"] / 1e3)


def burst(port: int, path: str, callers: int, *, distinct: bool = False) -> Slowest:
    return Burst(port, path, callers, distinct=distinct).wait()


def steady(port: int, path: str, connections: int, seconds: int, *, keep_alive: bool = True) -> Steady:
    command = _wrk(port, path, connections, seconds, "steady.lua")
    if not keep_alive:
        command[-1:-1] = ["-H", "Connection: close"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=project.environment())
    result = Steady(**json.loads(_last_line(done.stdout)))
    if result.failed or not result.requests:
        raise RuntimeError(f"{result.failed} of {result.requests} requests failed: {' '.join(command)}")
    return result


def _wrk(port: int, path: str, connections: int, seconds: int, script: str) -> list[str]:
    return [
        *(str(project.program("wrk")), "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={LONGEST_BURST}s"),
        *("-s", str(project.LOAD / script), "-H", f"{TOKEN_HEADER}: {TOKEN}"),
        f"http://127.0.0.1:{port}{path}",
    ]


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
