"""What is promised for a cell (docs/behaviour.md, docs/failure-policy.md), and what of it was
broken."""

from dataclasses import dataclass

from faults.cell import TIME_OUT, Cell, Seen, State

AT_ONCE = 0.5
"""Nothing is waited for: a hundred connections, and a machine that does other things beside."""
SPARE = 1.0
"""What an answer may take beyond the time-out or the network's own time, on a busy machine."""
FURTHER_CALLS = 9
"""Of a burst for a key that fails at once. First requests take turns, a few in each pass of the
event loop: a hundred callers of a debug build come to theirs over some hundredths of a second, and
one that does so after the end of a call starts another."""
ATTEMPTS = 6
"""At one call: the SDK's three, and two at connecting."""
MEMORY = 64_000_000
"""In bytes, of the debug build. Values are small, and answers that are not are not read."""


@dataclass(frozen=True)
class Promise:
    answers: frozenset[str]
    within: float
    fetches: int


def promise(cell: Cell) -> Promise:
    fault = cell.fault
    in_time = (TIME_OUT if fault.codes else fault.answered_within) + SPARE
    match cell.state:
        case State.FRESH:
            return Promise(frozenset({"200 old"}), AT_ONCE, 0)
        case State.ENDING if fault.codes:
            return Promise(frozenset({"200 old"}), AT_ONCE, fault.fetches)
        case State.ENDING:  # the call behind may be over before the last caller has asked
            return Promise(frozenset({"200 old", "200 new"}), AT_ONCE, fault.fetches)
        case State.EXPIRED if fault.serves_expired:
            return Promise(frozenset({"200 old, stale"}), in_time, fault.fetches)
        case State.NONE if fault.codes:
            fetches = fault.fetches + (FURTHER_CALLS if cell.callers > 1 else 0)
            return Promise(frozenset(f"400 {code}" for code in fault.codes), in_time, fetches)
        case _:
            return Promise(frozenset({"200 new"}), in_time, fault.fetches)


def broken(cell: Cell, seen: Seen) -> list[str]:
    """A sentence for each promise that was not kept."""
    promised = promise(cell)
    found = []
    if not set(seen.answers) <= promised.answers:
        found.append(f"callers got {seen.answers}, and may get {sorted(promised.answers)}")
    if sum(seen.answers.values()) != cell.callers:
        found.append(f"{cell.callers} asked, and {seen.answers} were answered")
    if seen.slowest > promised.within:
        found.append(f"a caller waited {seen.slowest:.2f} s instead of {promised.within:g} s")
    if seen.fetches > promised.fetches:
        found.append(f"{seen.fetches} calls instead of {promised.fetches}")
    if seen.requests > promised.fetches * ATTEMPTS:
        found.append(f"AWS was asked {seen.requests} times")
    if cell.fault.has_value and (seen.over_after is None or seen.over_after > cell.fault.over_within + SPARE):
        found.append(f"after its end refreshNow had no new value for {seen.over_after} s")
    if seen.peak_memory > MEMORY:
        found.append(f"the process had {seen.peak_memory} bytes of memory")
    if seen.leaks:
        found.append(f"{seen.leaks} lines of the log hold a value or a credential")
    if seen.panics:
        found.append(f"{seen.panics} panics")
    return found
