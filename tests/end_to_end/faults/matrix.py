"""All cells."""

from collections.abc import Iterator

from faults.answers import ANSWERS
from faults.cell import Cell, State
from faults.fault import Fault
from faults.identity import IDENTITY
from faults.network import NETWORK

FAULTS = (Fault("is well"), *NETWORK, *ANSWERS, *IDENTITY)
CALLERS = (1, 100)


def cells() -> Iterator[Cell]:
    for fault in FAULTS:
        for state in State:
            if state is State.NONE or fault.has_value:
                for callers in CALLERS:
                    for invoked in (False, True):
                        yield Cell(fault, state, callers, invoked)
