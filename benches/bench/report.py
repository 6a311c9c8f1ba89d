"""What `make bench` writes: docs/performance.md, the plots, and the headline for the README."""

from collections.abc import Iterable, Sequence

from bench import bursts, hits, memory, project
from bench.hits import Cell
from bench.peers import agent, constant, nginx, ours
from bench.plot import Chart, Line
from bench.series import Results, Series
from bench.targets import MEGABYTE, Run, targets

ORDER = (ours.NAME, agent.NAME, constant.NAME, nginx.NAME)

INTRODUCTION = f"""# Performance

Written by `make bench`; every figure below comes from one run of it, on one machine, ours and the
others interleaved round by round. Seconds and rates are the machine's; the ratios are what travels.
On two processors the load generator, the stand-in for AWS and the program measured share them, as a
function and its extension share a Lambda environment's.

*agent* is AWS's own `aws_workload_credentials_provider` (the former Secrets Manager agent: secrets
only), started outside Lambda, its log not written to a file and its credentials not checked at
start. *constant* is an actix-web handler that returns our answer as a constant, on our accept loop
and with our release profile: our ceiling. *nginx* returns the same constant from its configuration,
in one process. The upstream is a stub on loopback over plain HTTP that counts calls and
connections. The token is 1,000 bytes long.

Each hit figure is the median of {hits.ROUNDS} rounds of {hits.SECONDS} s; *CPU* is that of the server's process, all
threads, for one request."""


def write(run: Run, machine: Sequence[tuple[str, str]], missing: Sequence[str], load: tuple[float, float]) -> None:
    project.PLOTS.mkdir(parents=True, exist_ok=True)
    charts = {
        "latency": _latency(run.hits),
        "burst": _burst(run.bursts),
        "size": _size(run.hits),
    }
    for name, chart in charts.items():
        (project.PLOTS / f"{name}.svg").write_text(chart.svg())
    headline = _headline(run)
    project.REPORT.write_text(
        "\n\n".join(
            [
                INTRODUCTION,
                *(f"**Not compared: {why}.**" for why in missing),
                "## In short\n\n" + headline,
                "## Targets\n\n" + _targets(run),
                "## Bursts\n\n" + _bursts(run.bursts),
                _picture("burst", charts["burst"]),
                "## Hits by connections, 64 bytes\n\n" + _hits(run.hits, _by_connections()),
                _picture("latency", charts["latency"]),
                "## Hits by size, 8 connections\n\n" + _hits(run.hits, _by_size()),
                _picture("size", charts["size"]),
                "## A new connection for every request, 8 clients, 64 bytes\n\n" + _hits(run.hits, [_CLOSE]),
                "## Resident memory\n\n" + _memory(run.memory),
                "## The machine\n\n" + _machine(machine, load),
            ]
        )
        + "\n"
    )


_CLOSE = Cell(hits.SMALL, hits.CLIENTS_WITHOUT_KEEP_ALIVE, keep_alive=False)


def _headline(run: Run) -> str:
    small, large = Cell(hits.SMALL, hits.USUAL), Cell(hits.LARGE, hits.USUAL)
    rows = [
        ["500 threads read one cold secret: calls to AWS", *_of_both(run.bursts, bursts.COLD, "calls", "{:,.0f}")],
        [
            "… the slowest of them waits (AWS takes 100 ms)",
            *_of_both(run.bursts, bursts.COLD, "slowest_ms", "{:,.0f} ms"),
        ],
        [
            "500 threads read 500 cold secrets: connections to AWS",
            *_of_both(run.bursts, bursts.DISTINCT, "peak_connections", "{:,.0f}"),
        ],
        [
            f"… the slowest of them waits (ours with {bursts.CAP} connections)",
            *_of_both(run.bursts, bursts.DISTINCT, "slowest_ms", "{:,.2f} s", 1000),
        ],
        ["cached reads a second, 64 bytes, 8 connections", *_of_both(run.hits, small, "rate", "{:,.0f}")],
        ["cached reads a second, 64 KB, 8 connections", *_of_both(run.hits, large, "rate", "{:,.0f}")],
        ["CPU for one cached read, 64 bytes", *_of_both(run.hits, small, "cpu_us", "{:.1f} us")],
        ["CPU for one cached read, 64 KB", *_of_both(run.hits, large, "cpu_us", "{:.1f} us")],
        ["memory, idle", *_of_both(run.memory, memory.IDLE, "bytes", "{:.1f} MB", MEGABYTE)],
        ["memory, 1,000 secrets of 4 KB", *_of_both(run.memory, memory.FULL, "bytes", "{:.1f} MB", MEGABYTE)],
    ]
    return _table(["", "ours", "AWS's agent"], rows)


def _of_both(results: Results, cell: object, figure: str, form: str, unit: float = 1) -> list[str]:
    return [
        form.format(results.get(cell, who, figure).median / unit) if results.has(cell, who) else "not compared"
        for who in (ours.NAME, agent.NAME)
    ]


def _targets(run: Run) -> str:
    rows = []
    for target in targets():
        outcome = target.judge(run)
        if outcome is None:
            verdict, measured = "not compared", ""
        else:
            verdict, measured = ("met" if outcome.met else "**missed**"), outcome.measured
        rows.append([target.what + (" †" if target.quiet else ""), target.aim, measured, verdict])
    table = _table(["what", "target", "measured", ""], rows)
    return f"{table}\n\n† only holds on a machine that does nothing else meanwhile."


def _bursts(results: Results) -> str:
    titles = {
        bursts.COLD: f"{bursts.CALLERS} callers, one cold key",
        bursts.EXPIRED: f"{bursts.CALLERS} callers, one expired key",
        bursts.REFRESH: f"{bursts.REFRESHERS} callers, `refreshNow=true`",
        bursts.DISTINCT: f"{bursts.CALLERS} callers, {bursts.CALLERS} cold keys (ours: 3 at a time, by default)",
    }
    rows = []
    for cell, title in titles.items():
        for who in (who for who in ORDER if results.has(cell, who)):
            slowest = results.get(cell, who, "slowest_ms")
            rows.append(
                [
                    title,
                    who,
                    *(f"{results.get(cell, who, figure).median:,.0f}" for figure in ("calls", "peak_connections")),
                    *(f"{results.get(cell, who, figure).median:,.0f} ms" for figure in ("median_ms", "p99_ms")),
                    f"{slowest.median:,.0f} ms",
                    f"{slowest.least:,.0f} ms",
                    _ratio(results.ratio(cell, ours.NAME, who, "slowest_ms") if who != ours.NAME else None),
                ]
            )
    columns = [
        "burst",
        "",
        "calls",
        "connections",
        "median caller",
        "p99",
        "slowest",
        "slowest, best round",
        "ours / its",
    ]
    quiet, busy = (results.get(cell, ours.NAME, "p99_us").median for cell in (bursts.QUIET_HIT, bursts.BUSY_HIT))
    return (
        f"Upstream: {bursts.LATENCY_MS} ms a call. Medians of {bursts.ROUNDS} rounds "
        f"({bursts.ROUNDS_OF_DISTINCT_KEYS} of distinct keys), a new connection for each caller.\n\n"
        f"{_table(columns, rows)}\n\n"
        f"While {bursts.CALLERS} misses queue, the p99 of a hit is {busy:.0f} us; with nothing else running it is "
        f"{quiet:.0f} us."
    )


def _by_connections() -> list[Cell]:
    return [Cell(hits.SMALL, connections) for connections in hits.CONNECTIONS]


def _by_size() -> list[Cell]:
    return [Cell(size, hits.USUAL) for size in hits.SIZES]


def _hits(results: Results, cells: Iterable[Cell]) -> str:
    rows = []
    for cell in cells:
        for who in (who for who in ORDER if results.has(cell, who)):
            rate = results.get(cell, who, "rate")
            cpu = results.get(cell, who, "cpu_us")
            rows.append(
                [
                    f"{cell.connections} x {cell.size:,} B",
                    who,
                    f"{rate.median:,.0f}",
                    f"{rate.least:,.0f}",
                    _ratio(results.ratio(cell, ours.NAME, who, "rate") if who != ours.NAME else None),
                    f"{results.get(cell, who, 'median_us').median:,.0f} us",
                    f"{results.get(cell, who, 'p99_us').median:,.0f} us",
                    f"{cpu.median:.1f} us",
                    f"{cpu.least:.1f} us",
                    _ratio(results.ratio(cell, ours.NAME, who, "cpu_us") if who != ours.NAME else None),
                ]
            )
    columns = ["", "", "requests/s", "minimum", "ours / its", "median", "p99", "CPU", "minimum", "ours / its"]
    return _table(columns, rows)


def _memory(results: Results) -> str:
    rows = []
    titles = {
        memory.IDLE: "idle",
        memory.FULL: f"{memory.SECRETS:,} secrets of {memory.SIZE:,} bytes",
        memory.FULL_OF_SMALL: f"{memory.SECRETS:,} secrets of {memory.SMALL} bytes",
        memory.CROWD: f"{memory.CALLERS:,} callers wait for {memory.CALLERS:,} cold secrets",
    }
    for cell, title in titles.items():
        for who in (who for who in ORDER if results.has(cell, who)):
            resident: Series = results.get(cell, who, "bytes")
            rows.append(
                [
                    title,
                    who,
                    f"{resident.median / MEGABYTE:.1f} MB",
                    f"{resident.least / MEGABYTE:.1f} MB",
                    _ratio(results.ratio(cell, ours.NAME, who, "bytes") if who != ours.NAME else None),
                ]
            )
    return _table(["", "", "median", "minimum", "ours / its"], rows)


def _machine(machine: Sequence[tuple[str, str]], load: tuple[float, float]) -> str:
    before = f"Load average when the run began: {load[0]:.2f}; when it ended: {load[1]:.2f} (its own load included)."
    return _table(["", ""], [list(row) for row in machine]) + "\n\n" + before


def _latency(results: Results) -> Chart:
    return Chart(
        "Latency of a hit by concurrency (64 bytes)",
        "connections, all busy",
        "median, microseconds",
        [
            Line(who, who, [(c, results.get(Cell(hits.SMALL, c), who, "median_us").median) for c in hits.CONNECTIONS])
            for who in ORDER
            if results.has(Cell(hits.SMALL, 1), who)
        ],
    )


def _size(results: Results) -> Chart:
    return Chart(
        "CPU for one hit by the value's size (8 connections)",
        "bytes",
        "microseconds",
        [
            Line(who, who, [(size, results.get(Cell(size, hits.USUAL), who, "cpu_us").median) for size in hits.SIZES])
            for who in (ours.NAME, agent.NAME, constant.NAME)
            if results.has(Cell(hits.SMALL, hits.USUAL), who)
        ],
        shown="{:,.0f}".format,
    )


def _burst(results: Results) -> Chart:
    ideal = [(cap, -(-bursts.CALLERS_BY_CAP // cap) * bursts.LATENCY_MS) for cap in bursts.CAPS]
    return Chart(
        f"Slowest of {bursts.CALLERS_BY_CAP} callers of {bursts.CALLERS_BY_CAP} cold keys by MAX_CONNECTIONS",
        "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS",
        f"milliseconds; AWS takes {bursts.LATENCY_MS} ms a call",
        [
            Line("ours", "ours", [(cap, results.get(cap, ours.NAME, "slowest_ms").median) for cap in bursts.CAPS]),
            Line("ideal", "ideal", ideal, dashed=True),
        ],
    )


def _picture(name: str, chart: Chart) -> str:
    return f"![{chart.title}]({project.PLOTS.name}/{name}.svg)"


def _ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
