"""`make faults`: runs every cell, writes docs/faults.md, and fails if a promise is broken.

python -m faults [WORD...]      with words, only the cells whose names have them all, and no page
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from faults import freezes, matrix, page, rules
from faults.cell import Cell, Seen
from faults.crew import run_all
from faults.freezes import Freeze, SeenAfter
from support.project import PROJECT, extension_binary

PAGE = PROJECT / "docs" / "faults.md"


def main(words: list[str]) -> int:
    everything: list[Cell | Freeze] = [*matrix.cells(), *freezes.cells()]
    chosen = [at for at, cell in enumerate(everything) if all(word in cell.name for word in words)]
    of_matrix: dict[Cell, Seen] = {}
    of_freezes: dict[Freeze, SeenAfter] = {}
    failed = []
    started = time.monotonic()

    def tell(number: int, report: dict[str, Any]) -> None:
        cell = everything[number]
        if "error" in report:
            wrong = [report["error"]]
        elif isinstance(cell, Cell):
            of_matrix[cell] = Seen(**report["seen"])
            wrong = rules.broken(cell, of_matrix[cell])
        else:
            of_freezes[cell] = SeenAfter(**report["seen"])
            wrong = freezes.broken(of_freezes[cell])
        print(f"{'BROKEN' if wrong else 'kept'}: {cell.name}: {report.get('seen')}", flush=True)
        for line in wrong:
            print(f"    {line}", flush=True)
        if wrong:
            failed.append(cell.name)

    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        run_all(chosen, Path(folder), tell)
    seconds = time.monotonic() - started
    print(f"{len(chosen) - len(failed)} cells kept what is promised, {len(failed)} did not, in {seconds:.0f} s")
    for name in failed:
        print(f"    {name}")
    if not failed and not words:
        page.write(
            PAGE,
            extension_binary(),
            seconds,
            {cell: of_matrix[cell] for cell in everything if isinstance(cell, Cell)},
            {cell: of_freezes[cell] for cell in everything if isinstance(cell, Freeze)},
        )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
