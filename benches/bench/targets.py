"""What is aimed at, and whether this run reached it."""

from collections.abc import Callable
from dataclasses import dataclass

from bench import bursts, hits, memory
from bench.hits import Cell
from bench.peers import agent, constant, ours
from bench.series import Results

MEGABYTE = 1e6


@dataclass(frozen=True)
class Run:
    hits: Results
    bursts: Results
    memory: Results


@dataclass(frozen=True)
class Outcome:
    measured: str
    met: bool


@dataclass(frozen=True)
class Target:
    what: str
    aim: str
    judge: Callable[[Run], Outcome | None]
    """None where the peer is missing."""
    quiet: bool = False
    """Whether the figure only holds on a machine that does nothing else."""


def targets() -> list[Target]:
    cold = f"{bursts.CALLERS} concurrent first reads of one key, upstream {bursts.LATENCY_MS} ms"
    return [
        Target(f"{cold}: calls", "1", _calls(bursts.COLD)),
        Target(f"{cold}: slowest caller", "under 130 ms", _slowest_caller, quiet=True),
        Target(f"{bursts.CALLERS} reads at TTL expiry: calls", "1", _calls(bursts.EXPIRED)),
        Target(f"{bursts.REFRESHERS} refreshes at once: calls", "at most 2", _calls(bursts.REFRESH, 2)),
        Target(
            f"{bursts.CALLERS} distinct cold keys, cap {bursts.CAP}: calls and connections at once",
            f"never over {bursts.CAP}",
            _never_over_the_cap,
        ),
        Target(
            f"{bursts.CALLERS} distinct cold keys, cap {bursts.CAP}: total time",
            f"within 5 % of {bursts.IDEAL_MS / 1000:.1f} s",
            _total_time,
        ),
        Target(
            f"a hit while {bursts.CALLERS} misses queue: p99",
            "within 2x of a quiet hit",
            _busy_hit,
            quiet=True,
        ),
        *(
            Target(
                f"hits a second, 64 bytes, {connections} connection{'s' if connections > 1 else ''}",
                f"at least {least:.1f} x agent",
                _at_least(Cell(hits.SMALL, connections), agent.NAME, "rate", least),
                quiet=True,
            )
            for connections, least in ((1, 1.0), (8, 1.3), (64, 1.3))
        ),
        *(
            Target(
                f"hits a second, 64 bytes, {connections} connection{'s' if connections > 1 else ''}",
                "at least 0.9 x the constant handler",
                _at_least(Cell(hits.SMALL, connections), constant.NAME, "rate", 0.9),
                quiet=True,
            )
            for connections in (1, 8, 64)
        ),
        Target(
            "hits a second, 64 KB, 8 connections",
            "at least 3.0 x agent",
            _at_least(Cell(hits.LARGE, hits.USUAL), agent.NAME, "rate", 3.0),
            quiet=True,
        ),
        Target(
            "CPU per hit, 64 bytes, 8 connections",
            "at most 0.85 x agent",
            _at_most(Cell(hits.SMALL, hits.USUAL), agent.NAME, "cpu_us", 0.85),
        ),
        Target(
            "CPU per hit, 64 KB, 8 connections",
            "at most 1.5 x the constant handler",
            _at_most(Cell(hits.LARGE, hits.USUAL), constant.NAME, "cpu_us", 1.5),
        ),
        Target(
            "a new connection for every request, 8 clients: requests a second",
            "at least 1.2 x agent",
            _at_least(_CLOSE, agent.NAME, "rate", 1.2),
            quiet=True,
        ),
        Target("a new connection for every request, 8 clients: CPU", "at most 50 us", _cpu_of_a_connection, quiet=True),
        Target(
            f"resident memory, {memory.SECRETS:,} secrets of 4 KB",
            "at most 0.75 x agent",
            _resident(memory.FULL, 0.75),
        ),
        Target("resident memory, idle", "at most 0.5 x agent", _resident(memory.IDLE, 0.5)),
        Target(
            f"resident memory, {memory.SECRETS:,} secrets of {memory.SMALL} bytes: a secret, its value included",
            "at most 1.1 KB",
            _a_small_secret,
        ),
        Target(
            f"resident memory, {memory.CALLERS:,} callers of {memory.CALLERS:,} cold secrets: above idle",
            "at most 14 MB",
            _crowd,
        ),
    ]


_CLOSE = Cell(hits.SMALL, hits.CLIENTS_WITHOUT_KEEP_ALIVE, keep_alive=False)


def _calls(burst: str, most: int = 1) -> Callable[[Run], Outcome]:
    def judge(run: Run) -> Outcome:
        calls = run.bursts.get(burst, ours.NAME, "calls")
        text = (
            f"{calls.median:.0f} in each of {len(calls.values)} rounds"
            if calls.least == calls.most
            else (f"{calls.least:.0f} to {calls.most:.0f}")
        )
        if run.bursts.has(burst, agent.NAME):
            text += f" (agent {run.bursts.get(burst, agent.NAME, 'calls').median:.0f})"
        return Outcome(text, calls.most <= most)

    return judge


def _slowest_caller(run: Run) -> Outcome:
    slowest = run.bursts.get(bursts.COLD, ours.NAME, "slowest_ms")
    text = f"{slowest.median:.0f} ms (best {slowest.least:.0f}, worst {slowest.most:.0f})"
    if run.bursts.has(bursts.COLD, agent.NAME):
        text += f"; agent {run.bursts.get(bursts.COLD, agent.NAME, 'slowest_ms').median:.0f} ms"
    return Outcome(text, slowest.median < 130)


def _never_over_the_cap(run: Run) -> Outcome:
    calls = run.bursts.get(bursts.DISTINCT, ours.NAME, "peak_calls").most
    connections = run.bursts.get(bursts.DISTINCT, ours.NAME, "peak_connections").most
    text = f"{calls:.0f} calls, {connections:.0f} connections"
    if run.bursts.has(bursts.DISTINCT, agent.NAME):
        of_agent = run.bursts.get(bursts.DISTINCT, agent.NAME, "peak_connections").most
        text += f" (agent {of_agent:.0f} connections)"
    return Outcome(text, calls <= bursts.CAP and connections <= bursts.CAP)


def _total_time(run: Run) -> Outcome:
    slowest = run.bursts.get(bursts.DISTINCT, ours.NAME, "slowest_ms").median
    beyond = slowest / bursts.IDEAL_MS - 1
    return Outcome(f"{slowest / 1000:.2f} s ({beyond * 100:+.1f} %)", beyond <= 0.05)


def _busy_hit(run: Run) -> Outcome:
    quiet = run.bursts.get(bursts.QUIET_HIT, ours.NAME, "p99_us").median
    busy = run.bursts.get(bursts.BUSY_HIT, ours.NAME, "p99_us").median
    return Outcome(f"{busy:.0f} us against {quiet:.0f} us ({busy / quiet:.2f}x)", busy <= 2 * quiet)


def _at_least(cell: Cell, peer: str, figure: str, least: float) -> Callable[[Run], Outcome | None]:
    def judge(run: Run) -> Outcome | None:
        ratio = run.hits.ratio(cell, ours.NAME, peer, figure)
        return None if ratio is None else Outcome(_pair(run.hits, cell, peer, figure, ratio), round(ratio, 2) >= least)

    return judge


def _at_most(cell: Cell, peer: str, figure: str, most: float) -> Callable[[Run], Outcome | None]:
    def judge(run: Run) -> Outcome | None:
        ratio = run.hits.ratio(cell, ours.NAME, peer, figure)
        return None if ratio is None else Outcome(_pair(run.hits, cell, peer, figure, ratio), round(ratio, 2) <= most)

    return judge


def _pair(results: Results, cell: Cell, peer: str, figure: str, ratio: float) -> str:
    mine, theirs = results.get(cell, ours.NAME, figure).median, results.get(cell, peer, figure).median
    if figure == "rate":
        return f"{ratio:.2f} ({mine:,.0f} against {theirs:,.0f})"
    return f"{ratio:.2f} ({mine:.1f} us against {theirs:.1f} us)"


def _cpu_of_a_connection(run: Run) -> Outcome:
    cpu = run.hits.get(_CLOSE, ours.NAME, "cpu_us").median
    return Outcome(f"{cpu:.1f} us", cpu <= 50)


def _resident(cell: str, most: float) -> Callable[[Run], Outcome | None]:
    def judge(run: Run) -> Outcome | None:
        ratio = run.memory.ratio(cell, ours.NAME, agent.NAME, "bytes")
        if ratio is None:
            return None
        mine = run.memory.get(cell, ours.NAME, "bytes").median / MEGABYTE
        theirs = run.memory.get(cell, agent.NAME, "bytes").median / MEGABYTE
        return Outcome(f"{ratio:.2f} ({mine:.1f} MB against {theirs:.1f} MB)", round(ratio, 2) <= most)

    return judge


def _a_small_secret(run: Run) -> Outcome:
    mine = run.memory.get(memory.FULL_OF_SMALL, ours.NAME, "above_idle").median / memory.SECRETS / 1e3
    text = f"{mine:.2f} KB"
    if run.memory.has(memory.FULL_OF_SMALL, agent.NAME):
        theirs = run.memory.get(memory.FULL_OF_SMALL, agent.NAME, "above_idle").median / memory.SECRETS / 1e3
        text += f" (agent {theirs:.2f} KB)"
    return Outcome(text, mine <= 1.1)


def _crowd(run: Run) -> Outcome:
    above = run.memory.get(memory.CROWD, ours.NAME, "above_idle").median / MEGABYTE
    return Outcome(f"{above:.1f} MB", above <= 14)
