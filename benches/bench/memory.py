"""Resident memory: idle, with a full cache, and while many callers wait for as many cold keys."""

import http.client
import time
from pathlib import Path

from bench.load import Burst
from bench.peers import TOKEN, TOKEN_HEADER, agent, ours
from bench.series import Results, interleaved
from bench.upstream import Upstream, path_of, secret

ROUNDS = 3
SECRETS = 1_000
SIZE, SMALL = 4_096, 64
CALLERS = 1_000
LATENCY_MS = 50
"""Three calls at a time answer the last of them before its fetch's time is over."""
SETTLE_SECONDS = 0.5
IDLE, FULL, FULL_OF_SMALL, CROWD = "idle", "full", "full of small", "crowd"


def measure(upstream: Upstream, folder: Path, present: set[str]) -> Results:
    results = Results()
    starts: list[tuple[str, type[ours.Server] | type[agent.Server]]] = [(ours.NAME, ours.Server)]
    if agent.NAME in present:
        starts.append((agent.NAME, agent.Server))
    for who, start in interleaved(starts, ROUNDS):
        print(f"  memory: {who}", flush=True)
        with start(upstream.url, folder) as server:
            time.sleep(SETTLE_SECONDS)
            results.add(IDLE, who, bytes=server.resident_bytes())
            _fill(server.port, SIZE)
            results.add(FULL, who, bytes=server.resident_bytes())
        with start(upstream.url, folder) as server:
            time.sleep(SETTLE_SECONDS)
            idle = server.resident_bytes()
            _fill(server.port, SMALL)
            results.add(FULL_OF_SMALL, who, bytes=server.resident_bytes(), above_idle=server.resident_bytes() - idle)
    for _round in range(ROUNDS):
        print(f"  memory: {ours.NAME}, {CALLERS:,} callers wait", flush=True)
        with ours.Server(upstream.url, folder) as server:
            time.sleep(SETTLE_SECONDS)
            _crowd(results, server)
    return results


def _crowd(results: Results, server: ours.Server) -> None:
    idle = server.resident_bytes()
    burst = Burst(server.port, path_of(secret(SMALL, LATENCY_MS, "crowd")), CALLERS, distinct=True)
    time.sleep(2)  # all are there by now, and nine in ten wait
    waiting = server.resident_bytes()
    burst.wait()
    results.add(CROWD, ours.NAME, bytes=waiting, above_idle=waiting - idle)


def _fill(port: int, size: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in range(SECRETS):
        connection.request("GET", path_of(secret(size, 0, number)), headers={TOKEN_HEADER: TOKEN})
        answer = connection.getresponse()
        if answer.status != 200 or len(answer.read()) < size:
            raise RuntimeError(f"secret {number}: {answer.status}")
    connection.close()
