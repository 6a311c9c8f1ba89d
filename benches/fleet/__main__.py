"""`make fleet`: 150 environments that start at once, and `make fleet-model`; both write
docs/fleet.md."""

import asyncio
import csv
import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path

from bench import machine, project
from bench.plot import Chart, Line

from fleet.parameter_store import CALLS_PER_SECOND, ParameterStore
from fleet.subjects import NAMES, Extensions, Outcome, botocore

ENVIRONMENTS = 150
TTL = 40
"""Long enough for every environment to have its values before the first expires."""
REPORT = project.PROJECT / "docs" / "fleet.md"
PLOT = project.PROJECT / "docs" / "performance" / "fleet.svg"
MARKS = {name: (f"<!-- {name} -->", f"<!-- end of {name} -->") for name in ("processes", "model")}


async def processes(program: Path) -> str:
    rows = []
    for title, batches in (("ours", False), ("ours, batching", True)):
        store = ParameterStore()
        fleet = Extensions(program, ENVIRONMENTS, await store.start(), batches, TTL)
        try:
            await fleet.ready()
            store.refill()
            first = asyncio.get_running_loop().time()
            rows.append(_row(f"{title}, cold", await fleet.read(), store))
            await asyncio.sleep(max(0.0, first + TTL + 30 - asyncio.get_running_loop().time()))
            store.refill()
            rows.append(_row(f"{title}, all expired", await fleet.read(), store))
        finally:
            fleet.stop()
            store.stop()
    store = ParameterStore()
    port = await store.start()
    rows.append(_row("botocore, standard retries, 3 attempts", await botocore(ENVIRONMENTS, port), store))
    store.stop()
    reads = ENVIRONMENTS * len(NAMES)
    ideal = [(calls - CALLS_PER_SECOND) / CALLS_PER_SECOND for calls in (reads, ENVIRONMENTS)]
    return "\n".join(
        [
            textwrap.fill(
                f"{ENVIRONMENTS} processes read {len(NAMES)} parameters each at the same moment. {date.today()}, "
                + ", ".join(f"{what} {value}" for what, value in machine.hardware())
                + ".",
                width=100,
                break_on_hyphens=False,
            ),
            "",
            "|  | answered | slowest caller | calls | of these throttled |",
            "| --- | --- | --- | --- | --- |",
            *rows,
            f"| the quota allows, one call a parameter | {reads} of {reads} | {ideal[0]:.1f} s | {reads} | 0 |",
            f"| the quota allows, one call an environment | {reads} of {reads} | {ideal[1]:.1f} s | {ENVIRONMENTS} | 0 |",
        ]
    )


def _row(title: str, outcome: Outcome, store: ParameterStore) -> str:
    return (
        f"| {title} | {outcome.answered} of {outcome.asked} | {outcome.slowest:.1f} s | {store.calls:,} | "
        f"{store.throttled:,} |"
    )


def model(program: Path) -> str:
    output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    runs = list(csv.DictReader(output.splitlines()))
    rows = [
        f"| {int(run['environments']):,} | {'yes' if run['batching'] == 'true' else 'no'} | "
        f"{float(run['answered']):.1%} | {run['slowest_s']} s | {int(run['calls']):,} | {int(run['throttled']):,} |"
        for run in runs
    ]

    def points(batching: str, figure: str, factor: float) -> list[tuple[float, float]]:
        return [
            (float(run["environments"]), max(0.1, float(run[figure]) * factor))
            for run in runs
            if run["batching"] == batching
        ]

    lines = [
        Line("ours", "answered, %", points("false", "answered", 100)),
        Line("nginx", "answered, batching, %", points("true", "answered", 100)),
        Line("agent", "slowest, s", points("false", "slowest_s", 1), dashed=True),
        Line("ideal", "slowest, batching, s", points("true", "slowest_s", 1), dashed=True),
    ]
    shown = "{:,.3g}".format
    title = "A fleet that starts at once, against 40 calls a second"
    PLOT.write_text(Chart(title, "environments", "share answered and slowest caller", lines, shown).svg())
    return "\n".join(
        [
            "| environments | batching | answered | slowest caller | calls | of these throttled |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
        ]
    )


def put(name: str, text: str) -> None:
    """Replaces this part of the report."""
    start, end = MARKS[name]
    before, _, rest = REPORT.read_text().partition(start)
    _, _, after = rest.partition(end)
    REPORT.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}")


def main(what: str, program: str) -> None:
    put(what, asyncio.run(processes(Path(program))) if what == "processes" else model(Path(program)))
    print(REPORT.read_text())


main(*sys.argv[1:])
