"""One cell of the matrix: a fault, the state of the entry when it begins, callers, INVOKE events."""

import asyncio
import enum
import json
import re
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faults.callers import Got, ask_together
from faults.fault import Fault
from faults.world import NEW, OLD, OTHER_KEY, REFRESH, SECRET, Authorities, World, world
from support.private_words import leaks_in

TIME_OUT = 1.5
"""What the user has set for a fetch, in seconds; the deadline of a request too."""
INVOKE_PACE = 0.05
GIVE_UP_AFTER = 30.0


class State(enum.Enum):
    """The entry when the callers ask."""

    NONE = "none"
    FRESH = "fresh"
    ENDING = "ending soon"
    EXPIRED = "expired"

    @property
    def ttl(self) -> int:
        """In seconds."""
        return {State.NONE: 300, State.FRESH: 300, State.ENDING: 5, State.EXPIRED: 1}[self]

    @property
    def age(self) -> float:
        """When the callers ask: the last fifth of the TTL is from 4 s to 5 s."""
        return {State.NONE: 0.0, State.FRESH: 0.0, State.ENDING: 4.2, State.EXPIRED: 1.1}[self]


@dataclass(frozen=True)
class Cell:
    fault: Fault
    state: State
    callers: int
    invoked: bool

    @property
    def name(self) -> str:
        events = "INVOKE every 50 ms" if self.invoked else "no INVOKE"
        return f"AWS {self.fault.name} / {self.state.value} / {self.callers} / {events}"


@dataclass(frozen=True)
class Seen:
    """What came of it."""

    answers: dict[str, int]
    """How many callers got what: `200 new`, `200 old, stale`, `400 RequestTimeout`, `none`, `2 answers`."""
    slowest: float
    """Of all callers, in seconds."""
    fetches: int
    """Calls that the extension counts."""
    requests: int
    """What arrived at AWS of them."""
    over_after: float | None
    """When `refreshNow` had the new value, after the end of the fault; none if never."""
    leaks: int
    panics: int
    peak_memory: int
    """Of the extension, in bytes."""


def run(cell: Cell, authorities: Authorities, folder: Path) -> Seen:
    fault, state = cell.fault, cell.state
    with world(
        authorities,
        folder,
        INVOKE_PACE if cell.invoked else None,
        fault.from_endpoint,
        fault.by_name,
        {
            "SECRETS_MANAGER_TTL": str(state.ttl),
            "SECRETS_MANAGER_TIMEOUT_MILLIS": str(int(TIME_OUT * 1000)),
            "PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT": "0",
            **dict(fault.settings),
        },
    ) as here:
        prepare(here, fault, state)
        fetches, requests = fetches_of(here), len(here.stub.calls)
        got = asyncio.run(ask_together(SECRET, cell.callers, here.token, GIVE_UP_AFTER))
        if state is State.ENDING:
            time.sleep(0.3)  # the call behind leaves after the answer
        fetches, requests = fetches_of(here) - fetches, len(here.stub.calls) - requests
        fault.ends(here)
        over_after = wait_until_it_is_over(here) if fault.has_value else None
        return Seen(
            counted(got),
            max(caller.seconds for caller in got),
            fetches,
            requests,
            over_after,
            len(leaks_in(here.log.text())),
            here.log.text().count("panicked"),
            peak_memory(here.extension.pid),
        )


def prepare(here: World, fault: Fault, state: State) -> None:
    """Reads the key while all is well, lets the fault begin, and waits until the entry is as old as it should be."""
    if state is not State.NONE:
        assert asyncio.run(ask_together(SECRET, 1, here.token, GIVE_UP_AFTER))[0].status == 200
    elif fault.warm:
        path = SECRET.replace("db", OTHER_KEY)
        assert asyncio.run(ask_together(path, 1, here.token, GIVE_UP_AFTER))[0].status == 200
    born = time.monotonic()  # or before: the answer may have taken its time
    here.be_well()
    fault.begins(here)
    time.sleep(max(0.0, born + state.age - time.monotonic()))


def wait_until_it_is_over(here: World) -> float | None:
    started = time.monotonic()
    while time.monotonic() < started + 15.0:
        (got,) = asyncio.run(ask_together(REFRESH, 1, here.token, GIVE_UP_AFTER))
        if what(got) == "200 new":
            return time.monotonic() - started
        time.sleep(0.05)
    return None


def counted(got: Iterable[Got]) -> dict[str, int]:
    return dict(Counter(map(what, got)))


def what(got: Got) -> str:
    if got.answers != 1:
        return "no answer" if got.answers == 0 else f"{got.answers} answers"
    if got.status != 200:
        return f"{got.status} {got.headers.get('x-amzn-errortype', '')}"
    values = {b'"SecretString":"' + OLD.encode(): "old", b'"SecretString":"' + NEW.encode(): "new"}
    value = next((name for start, name in values.items() if start in got.beginning), "of another value")
    return f"200 {value}, stale" if got.is_stale else f"200 {value}"


def fetches_of(here: World) -> int:
    (got,) = asyncio.run(ask_together("/stats", 1, here.token, GIVE_UP_AFTER))
    calls: int = json.loads(got.beginning)["upstream_calls"]
    return calls


def peak_memory(pid: int) -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
