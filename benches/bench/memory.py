"""Resident memory: idle, and with a full cache."""

import http.client
import time
from pathlib import Path

from bench.peers import TOKEN, TOKEN_HEADER, agent, ours
from bench.series import Results, interleaved
from bench.upstream import Upstream, path_of, secret

ROUNDS = 3
SECRETS = 1_000
SIZE = 4_096
SETTLE_SECONDS = 0.5
IDLE, FULL = "idle", "full"


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
            _fill(server.port)
            results.add(FULL, who, bytes=server.resident_bytes())
    return results


def _fill(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number in range(SECRETS):
        connection.request("GET", path_of(secret(SIZE, 0, number)), headers={TOKEN_HEADER: TOKEN})
        answer = connection.getresponse()
        if answer.status != 200 or len(answer.read()) < SIZE:
            raise RuntimeError(f"secret {number}: {answer.status}")
    connection.close()
