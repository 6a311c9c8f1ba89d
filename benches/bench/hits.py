"""Cached values, read over and over: rate, latency and CPU by connections and by the value's
size."""

import http.client
from dataclasses import dataclass
from pathlib import Path

from bench import load
from bench.peers import TOKEN, TOKEN_HEADER, agent, constant, nginx, ours
from bench.processes import Process
from bench.series import Results, interleaved
from bench.upstream import Upstream, path_of, secret

ROUNDS = 5
SECONDS = 1
SMALL, LARGE = 64, 65_536
"""Bytes; the larger one is AWS's limit for a secret."""
SIZES = (SMALL, 1_024, 4_096, 16_384, LARGE)
CONNECTIONS = (1, 2, 4, 8, 16, 64, 256)
CLIENTS_WITHOUT_KEEP_ALIVE = 8
USUAL = 8


@dataclass(frozen=True)
class Cell:
    size: int
    connections: int
    keep_alive: bool = True


CELLS = (
    *(Cell(SMALL, connections) for connections in CONNECTIONS),
    *(Cell(size, USUAL) for size in SIZES if size != SMALL),
    Cell(SMALL, CLIENTS_WITHOUT_KEEP_ALIVE, keep_alive=False),
)


@dataclass(frozen=True)
class Subject:
    who: str
    server: Process
    port: int
    path: str


def measure(upstream: Upstream, folder: Path, present: set[str]) -> Results:
    results = Results()
    with ours.Server(upstream.url, folder) as server:
        bodies = {size: _read(server.port, _hot(size)) for size in SIZES}
        caches: list[tuple[str, Process, int]] = [(ours.NAME, server, server.port)]
        started: list[Process] = []
        try:
            if agent.NAME in present:
                other = agent.Server(upstream.url, folder)
                started.append(other)
                caches.append((agent.NAME, other, other.port))
                for size in SIZES:
                    _read(other.port, _hot(size))
            for size in SIZES:
                subjects = [Subject(*cache, _hot(size)) for cache in caches]
                for fixed in _fixed(bodies[size], size, folder, present):
                    started.append(fixed.server)
                    subjects.append(fixed)
                for cell in (cell for cell in CELLS if cell.size == size):
                    print(f"  hits: {cell}", flush=True)
                    for subject in interleaved(subjects, ROUNDS):
                        _measure(results, cell, subject)
        finally:
            for process in started:
                process.stop()
    return results


def _fixed(body: bytes, size: int, folder: Path, present: set[str]) -> list[Subject]:
    """Those that return the extension's own answer as a constant."""
    subjects = []
    if constant.NAME in present:
        server = constant.Server(body, folder)
        subjects.append(Subject(constant.NAME, server, server.port, "/"))
    # Its configuration takes no longer text, and files would be another matter.
    if nginx.NAME in present and size == SMALL:
        yardstick = nginx.Server(body, folder)
        subjects.append(Subject(nginx.NAME, yardstick, yardstick.port, "/"))
    return subjects


def _measure(results: Results, cell: Cell, subject: Subject) -> None:
    before = subject.server.cpu_seconds()
    seen = load.steady(subject.port, subject.path, cell.connections, SECONDS, keep_alive=cell.keep_alive)
    cpu = subject.server.cpu_seconds() - before
    results.add(
        cell,
        subject.who,
        rate=seen.rate,
        cpu_us=cpu / seen.requests * 1e6,
        median_us=seen.median_us,
        p99_us=seen.p99_us,
    )


def _hot(size: int) -> str:
    return path_of(secret(size, 0, "hot"))


def _read(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={TOKEN_HEADER: TOKEN})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status} {body!r}")
    return body
