"""Many callers at one moment, with an upstream that takes 100 ms: which program asks it how often,
and which callers wait how long."""

import math
import time
from collections.abc import Iterable
from pathlib import Path

from bench import load
from bench.load import Burst
from bench.peers import agent, ours
from bench.processes import Process
from bench.series import Results, interleaved
from bench.upstream import Upstream, path_of, secret

ROUNDS = 5
ROUNDS_OF_DISTINCT_KEYS = 3
CALLERS = 500
REFRESHERS = 100
LATENCY_MS = 100
SIZE = 64
CAP = 3
IDEAL_MS = math.ceil(CALLERS / CAP) * LATENCY_MS

COLD, EXPIRED, REFRESH, DISTINCT = "cold", "expired", "refresh", "distinct"
QUIET_HIT, BUSY_HIT = "quiet hit", "busy hit"
HIT_SECONDS = 3

SHORT_TTL = 2
"""Seconds: longer than a burst, so that nothing expires within one."""

CAPS = (1, 2, 3, 5, 10, 20)
CALLERS_BY_CAP = 60
ROUNDS_BY_CAP = 2


def measure(upstream: Upstream, folder: Path, present: set[str]) -> Results:
    """The agent gets an upstream of its own: its many connections stay open and would be counted as
    ours."""
    results = Results()
    with Upstream(folder) as of_agent:
        upstreams = {ours.NAME: upstream, agent.NAME: of_agent}
        _one_key(results, upstreams, folder, present)
        _distinct_keys(results, upstreams, folder, present)
    _by_cap(results, upstream, folder)
    return results


def _one_key(results: Results, upstreams: dict[str, Upstream], folder: Path, present: set[str]) -> None:
    servers: list[tuple[str, ours.Server | agent.Server]] = [
        (ours.NAME, ours.Server(upstreams[ours.NAME].url, folder, ttl=SHORT_TTL))
    ]
    try:
        if agent.NAME in present:
            servers.append((agent.NAME, agent.Server(upstreams[agent.NAME].url, folder, ttl=SHORT_TTL)))
        for _who, server in servers:
            # Connections, credentials and code pages: a burst's first figures are its own.
            load.burst(server.port, path_of(secret(SIZE, 0, "warm-up")), 8)
        for number, (who, server) in enumerate(interleaved(servers, ROUNDS)):
            print(f"  bursts of one key: {who}", flush=True)
            path = path_of(secret(SIZE, LATENCY_MS, number))
            _count(results, COLD, who, upstreams[who], server.port, path, CALLERS)
            time.sleep(SHORT_TTL + 0.2)
            _count(results, EXPIRED, who, upstreams[who], server.port, path, CALLERS)
            _count(results, REFRESH, who, upstreams[who], server.port, path + "&refreshNow=true", REFRESHERS)
    finally:
        _stop(server for _who, server in servers)


def _distinct_keys(results: Results, upstreams: dict[str, Upstream], folder: Path, present: set[str]) -> None:
    servers: list[tuple[str, ours.Server | agent.Server]] = [
        (ours.NAME, ours.Server(upstreams[ours.NAME].url, folder, max_connections=CAP))
    ]
    hot = path_of(secret(SIZE, 0, "hot"))
    try:
        if agent.NAME in present:
            servers.append((agent.NAME, agent.Server(upstreams[agent.NAME].url, folder)))
        for _who, server in servers:
            load.burst(server.port, hot, 8)
        for number, (who, server) in enumerate(interleaved(servers, ROUNDS_OF_DISTINCT_KEYS)):
            print(f"  {CALLERS} distinct keys: {who}", flush=True)
            path = path_of(secret(SIZE, LATENCY_MS, f"distinct-{number}"))
            if who == ours.NAME:
                _hit(results, QUIET_HIT, server.port, hot)
            upstreams[who].reset()
            burst = Burst(server.port, path, CALLERS, distinct=True)
            if who == ours.NAME:
                time.sleep(1)  # all 500 wait by now
                _hit(results, BUSY_HIT, server.port, hot)
            _add(results, DISTINCT, who, upstreams[who], burst.wait())
    finally:
        _stop(server for _who, server in servers)


def _by_cap(results: Results, upstream: Upstream, folder: Path) -> None:
    for cap in CAPS:
        print(f"  {CALLERS_BY_CAP} distinct keys, MAX_CONNECTIONS {cap}", flush=True)
        with ours.Server(upstream.url, folder, max_connections=cap) as server:
            for number in range(ROUNDS_BY_CAP):
                path = path_of(secret(SIZE, LATENCY_MS, f"cap-{number}"))
                seen = load.burst(server.port, path, CALLERS_BY_CAP, distinct=True)
                results.add(cap, ours.NAME, slowest_ms=seen.slowest_ms, median_ms=seen.median_ms)


def _count(results: Results, cell: str, who: str, upstream: Upstream, port: int, path: str, callers: int) -> None:
    upstream.reset()
    _add(results, cell, who, upstream, load.burst(port, path, callers))


def _add(results: Results, cell: str, who: str, upstream: Upstream, seen: load.Slowest) -> None:
    counts = upstream.counts()
    results.add(
        cell,
        who,
        calls=counts.calls,
        peak_calls=counts.peak_calls,
        peak_connections=counts.peak_connections,
        median_ms=seen.median_ms,
        p99_ms=seen.p99_ms,
        slowest_ms=seen.slowest_ms,
    )


def _hit(results: Results, cell: str, port: int, path: str) -> None:
    seen = load.steady(port, path, 1, HIT_SECONDS)
    results.add(cell, ours.NAME, median_us=seen.median_us, p99_us=seen.p99_us)


def _stop(servers: Iterable[Process]) -> None:
    for server in servers:
        server.stop()
