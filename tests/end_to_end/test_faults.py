"""A selection of `make faults`: every fault, and a freeze at every step of a fetch
(docs/faults.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from faults import freezes, matrix, rules
from faults.cell import Cell, Seen, State
from faults.crew import run_all
from faults.freezes import Connections, Freeze, Length, SeenAfter

EVERYTHING: list[Cell | Freeze] = [*matrix.cells(), *freezes.cells()]


def is_selected(cell: Cell | Freeze) -> bool:
    if isinstance(cell, Freeze):
        is_long = cell.length is Length.LONG and cell.connections is not Connections.LIVE
        return is_long and cell.state is State.EXPIRED
    if cell.state is State.NONE:
        return cell.callers == 1 and not cell.invoked
    return cell.state is State.EXPIRED and cell.callers > 1 and cell.invoked


AT_ONCE = 4
"""Fewer than `make faults` has: a machine of CI may be slow."""

SELECTED = [number for number, cell in enumerate(EVERYTHING) if is_selected(cell)]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, dict[str, Any]]:
    found: dict[int, dict[str, Any]] = {}
    run_all(SELECTED, tmp_path_factory.mktemp("faults"), found.__setitem__, AT_ONCE)
    return found


@pytest.mark.parametrize("number", SELECTED, ids=lambda number: EVERYTHING[number].name)
def test_what_is_promised_is_kept(number: int, reports: Mapping[int, dict[str, Any]]) -> None:
    cell, report = EVERYTHING[number], reports[number]
    assert "error" not in report, report["error"]
    if isinstance(cell, Cell):
        assert rules.broken(cell, Seen(**report["seen"])) == []
    else:
        assert freezes.broken(SeenAfter(**report["seen"])) == []
