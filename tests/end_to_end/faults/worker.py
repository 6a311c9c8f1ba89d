"""A process that runs cells, one after another, in a network of its own: port 2773 and port 53 are
free there.

Started by `faults.crew`; reads the numbers of cells, a line each, and writes what came of them as
JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path

from faults import freezes, matrix
from faults.cell import Cell, run
from faults.world import Authorities
from support.certificates import Authority


def main(folder: Path) -> None:
    settle_down(folder)
    authorities = Authorities(*(Authority.in_folder(folder / name) for name in ("trusted", "stranger")))
    everything = [*matrix.cells(), *freezes.cells()]
    for line in sys.stdin:
        cell = everything[int(line)]
        with tempfile.TemporaryDirectory(prefix="fault-") as own:
            try:
                seen = run(cell, authorities, Path(own)) if isinstance(cell, Cell) else freezes.run(cell, authorities, Path(own))
                report = {"seen": asdict(seen)}
            except Exception:  # noqa: BLE001  (the cell has failed, and the others go on)
                log = Path(own) / "log"
                report = {"error": traceback.format_exc() + (log.read_text() if log.exists() else "")}
        print(json.dumps(report), flush=True)


def settle_down(folder: Path) -> None:
    """Names are asked for at 127.0.0.1, whatever the machine has."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resolver = folder / f"resolv-{os.getpid()}.conf"
    resolver.write_text("nameserver 127.0.0.1\n")
    subprocess.run(["mount", "--bind", resolver, Path("/etc/resolv.conf").resolve()], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
