"""Writes docs/faults.md: what was run, on which machine, what came of it, and what cannot be
had."""

import os
import platform
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from faults import freezes
from faults.cell import TIME_OUT, Cell, Seen, State
from faults.crew import AT_ONCE
from faults.freezes import Connections, Freeze, Length, SeenAfter, Step

INTRODUCTION = """\
# Faults

`make faults` writes this page (`tests/end_to_end/faults/`). It runs the program against an AWS and
a Lambda of its own on loopback, and fails if any cell breaks a promise of
[What a caller gets](behaviour.md) or [The failure policy](failure-policy.md). `make test` runs a
selection of the cells.

This run: {cells} cells in {seconds:.0f} s on {date}, the {program} of the program,
{machine}. Times include a client in Python and
{crew} cells at a time.

## AWS, the network and the credentials

Each fault is combined with four states of the entry at the moment it begins, with 1 and 100 callers
at the same moment, and with no INVOKE event and one every 50 ms.
`SECRETS_MANAGER_TIMEOUT_MILLIS` is
{time_out:.0f}. The connections that are open are lost when the fault begins, unless its name says
otherwise. A field of the table covers the four runs with callers and events: what callers got, the
time of the slowest caller, and the calls that the extension counts. *Stale* answers have `Age` and
`Warning`.

| AWS or the way to it | {states} |
| --- | {lines} |
"""

CHECKS = """
Each run has checked this, too:

- Every caller got exactly one answer: {answers} requests, {answers} answers.
- A fresh value and one that ends soon are answered without a wait, whatever fails.
- However many callers ask at once, the calls are those of one; a caller that asks after the end of
  a call that failed makes the next. An INVOKE event changes nothing.
- After the fault `refreshNow=true` gets the new value, at the latest after {over:.1f} s: the pause of
  a service that throttled.
- There is no panic, and neither a value nor a credential in the log.
- A process had at most {memory:.0f} MB of memory, also with an answer of 10 MB.
"""

FREEZES = """
## A freeze at every step of a fetch

SIGSTOP stops the process when a fetch has come to the step, with `SECRETS_MANAGER_TIMEOUT_MILLIS`
at {time_out:.0f}. It lasts {short} s, less than every time-out; {middle} s, more than that of the fetch,
but too short to be told from a busy machine; or {long} s, more than all of them. The connections
survive it (*live*), are reset (*cut*), or stay open and bring nothing more (*silent*). Then 100
callers ask at once, and an INVOKE event comes. All of them and the caller that was frozen get the
new value with status 200, not a stale one, within {limit} s. A field holds the time of the slowest
since the end of the freeze, with no entry and with an expired one.

| step | {columns} |
| --- | {lines} |
"""

IMPOSSIBLE = """
## What cannot be had

| what | why | what helps |
| --- | --- | --- |
| a value for a caller while AWS fails and nothing is kept | there is none | `PARAMETERS_SECRETS_EXTENSION_PREFETCH` fetches in INIT |
| a kept value where there were never credentials | a call needs them; that row has one state | |
| telling at once that a connection was forgotten silently less than 30 s after its last use | it looks like a service that takes its time, so the call waits for its time-out. AWS closes idle connections with notice; after 30 s without use, or a freeze, a connection is not used again | `SECRETS_MANAGER_TIMEOUT_MILLIS`, `PARAMETERS_SECRETS_EXTENSION_DEADLINE_MILLIS` |
| the same after a stop of less than a second and a half | it cannot be told from a busy machine | the same |
| a new connection at once where its first packet is lost | the kernel repeats the packet after a second | |
| a monotonic clock that goes back | the system does not let it; `tests/freeze.rs` steps it forward, and the wall clock both ways | |
"""


def write(
    page: Path,
    program: Path,
    seconds: float,
    matrix: Mapping[Cell, Seen],
    frozen: Mapping[Freeze, SeenAfter],
) -> None:
    text = INTRODUCTION.format(
        cells=len(matrix) + len(frozen),
        seconds=seconds,
        date=datetime.now(UTC).date(),
        machine=machine(),
        program=f"{program.parent.name} build",
        crew=AT_ONCE,
        time_out=TIME_OUT * 1000,
        states=" | ".join(state.value for state in State),
        lines=" | ".join("---" for _ in State),
    )
    text += "".join(row(name, cells) for name, cells in by_fault(matrix).items())
    text += CHECKS.format(
        answers=sum(cell.callers for cell in matrix),
        over=max(seen.over_after for seen in matrix.values() if seen.over_after is not None),
        memory=max(seen.peak_memory for seen in [*matrix.values(), *frozen.values()]) / 1e6,
    )
    kinds = [(length, connections) for length in Length for connections in Connections]
    kinds = [kind for kind in kinds if any((cell.length, cell.connections) == kind for cell in frozen)]
    text += FREEZES.format(
        time_out=freezes.TIME_OUT * 1000,
        short=Length.SHORT.value,
        middle=Length.MIDDLE.value,
        long=Length.LONG.value,
        limit=freezes.NEW_CONNECTION,
        columns=" | ".join(f"{length.value:g} s, {connections.value}" for length, connections in kinds),
        lines=" | ".join("---" for _ in kinds),
    )
    for step in Step:
        times = [
            [
                seen.slowest
                for cell, seen in frozen.items()
                if (cell.step, cell.length, cell.connections) == (step, length, connections)
            ]
            for length, connections in kinds
        ]
        text += f"| {step.value} | " + " | ".join(span(each) if each else "" for each in times) + " |\n"
    page.write_text(text + IMPOSSIBLE)


def by_fault(matrix: Mapping[Cell, Seen]) -> Mapping[str, Mapping[State, list[Seen]]]:
    found: dict[str, dict[State, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for cell, seen in matrix.items():
        found[cell.fault.name][cell.state].append(seen)
    return found


def row(name: str, states: Mapping[State, list[Seen]]) -> str:
    return f"| {name} | " + " | ".join(summary(states[state]) if state in states else "" for state in State) + " |\n"


def summary(runs: list[Seen]) -> str:
    answers = sorted({answer for seen in runs for answer in seen.answers})
    fetches = sorted({seen.fetches for seen in runs})
    calls = f"{fetches[0]} to {fetches[-1]} calls" if len(fetches) > 1 else f"{fetches[0]} calls"
    calls = "1 call" if fetches == [1] else calls
    return f"{' or '.join(answers)}; {span(seen.slowest for seen in runs)}; {calls}"


def span(seconds: Iterable[float]) -> str:
    """In milliseconds, to two digits."""
    low, high = (f"{float(f'{1000 * each:.2g}'):.0f}" for each in bounds(seconds))
    return f"{low} ms" if low == high else f"{low} to {high} ms"


def bounds(numbers: Iterable[float]) -> tuple[float, float]:
    numbers = sorted(numbers)
    return numbers[0], numbers[-1]


def machine() -> str:
    model = next(
        (
            line.partition(": ")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return f"{os.cpu_count()} CPUs ({model}), Linux {platform.release().partition('-')[0]}"
