"""`make bench`: measures everything in one run and writes docs/performance.md."""

import sys
import tempfile
import time
from pathlib import Path

from bench import bursts, hits, machine, memory, project, report
from bench.peers import agent, constant, nginx, ours
from bench.targets import Run
from bench.upstream import Upstream


def main() -> None:
    if why := ours.why_missing():
        sys.exit(f"bench: {why}")
    if project.program("wrk") is None:
        sys.exit("bench: wrk, which makes the load, is not installed")
    missing = {peer.NAME: why for peer in (agent, constant, nginx) if (why := peer.why_missing())}
    for name, why in missing.items():
        print(f"bench: without {name}: {why}", flush=True)
    present = {agent.NAME, constant.NAME, nginx.NAME} - missing.keys()
    load_before, began = machine.load_average(), time.monotonic()
    with tempfile.TemporaryDirectory() as name, Upstream(Path(name)) as upstream:
        folder = Path(name)
        run = Run(
            memory=memory.measure(upstream, folder, present),
            bursts=bursts.measure(upstream, folder, present),
            hits=hits.measure(upstream, folder, present),
        )
    report.write(run, machine.describe(), list(missing.values()), (load_before, machine.load_average()))
    print(f"{project.REPORT.relative_to(project.PROJECT)} is written, after {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
