"""A freeze at every step of a fetch: what a hundred callers get after it, and the caller that was
frozen."""

import asyncio
import enum
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faults.callers import Got, ask_together
from faults.cell import GIVE_UP_AFTER, State, counted, fetches_of, peak_memory
from faults.world import KEY, NEW, OTHER_KEY, SECRET, Authorities, World, world
from support.aws_answers import GET_SECRET, failure, secret
from support.fault_proxy import Mode
from support.private_words import leaks_in
from support.processes import Process
from support.waiting import eventually

TIME_OUT = 1.0
"""Of a fetch and of a request, in seconds. Connecting has 1.2 s, an attempt 10 s."""
CALLERS = 100
NEW_CONNECTION = 0.9
"""What a new connection and an answer take at most, on a busy machine. Below every time-out."""


class Step(enum.Enum):
    """How far the fetch has come when the freeze begins."""

    QUEUED = "queued"
    CONNECTING = "connecting"
    HANDSHAKE = "in the handshake"
    SENT = "sent"
    HALF_ANSWERED = "half answered"
    UNREAD = "answered, not read"
    RETRY = "in a retry's pause"
    THROTTLED = "in a throttled lane's pause"


class Connections(enum.Enum):
    """What the freeze does to them."""

    LIVE = "live"
    CUT = "cut"
    SILENT = "silent"


class Length(enum.Enum):
    SHORT = 0.3
    MIDDLE = 1.2
    """Longer than the time-out, and too short to be told from a busy machine."""
    LONG = 3.0
    """Longer than every time-out."""


@dataclass(frozen=True)
class Freeze:
    step: Step
    length: Length
    connections: Connections
    state: State

    @property
    def name(self) -> str:
        return (
            f"frozen {self.length.value:g} s while {self.step.value} / "
            f"connections {self.connections.value} / {self.state.value}"
        )


@dataclass(frozen=True)
class SeenAfter:
    frozen: dict[str, int]
    """What the caller got that was frozen."""
    answers: dict[str, int]
    """What the callers got that asked after the freeze."""
    slowest: float
    """Of all, from the end of the freeze on."""
    fetches: int
    requests: int
    leaks: int
    panics: int
    peak_memory: int


def cells() -> Iterator[Freeze]:
    for state in (State.NONE, State.EXPIRED):
        for step in Step:
            if step is Step.THROTTLED and state is State.EXPIRED:
                continue  # its caller has the old value at once, and there is no pause
            for length in Length:
                if step is Step.CONNECTING and length is not Length.LONG:
                    continue  # the kernel repeats what was lost after a second, frozen or not
                yield Freeze(step, length, Connections.LIVE, state)
                if step not in (Step.UNREAD, Step.QUEUED):
                    yield Freeze(step, length, Connections.CUT, state)
                if length is Length.LONG and step is not Step.UNREAD:
                    yield Freeze(step, length, Connections.SILENT, state)


@dataclass
class Held:
    """What is held back until the freeze is over."""

    gate: threading.Event
    reached: Callable[[], bool]
    """Whether the fetch has come to its step."""


def hold(here: World, step: Step) -> Held:
    gate = threading.Event()
    value = secret(KEY, NEW)
    calls = len(here.stub.calls)
    connections = here.proxy.connections.total

    def asked() -> bool:
        return len(here.stub.calls) > calls

    def connected() -> bool:
        return here.proxy.connections.total > connections

    match step:
        case Step.QUEUED:
            here.answer(value)
            here.stub.lay_down(GET_SECRET, OTHER_KEY, secret(OTHER_KEY, NEW).behind(gate))
            return Held(gate, lambda: bool(here.log.matches(" pool saturated ")))
        case Step.CONNECTING:
            here.answer(value)
            here.proxy.leave_unanswered()
            here.proxy.cut_all()
            return Held(gate, lambda: bool(here.log.matches(" fetch started .*secretId=db")))
        case Step.HANDSHAKE:
            here.answer(value)
            here.proxy.cut_all()
            here.proxy.mode = Mode.HOLD
            return Held(gate, connected)
        case Step.SENT | Step.UNREAD:
            here.answer(value.behind(gate), value)
            return Held(gate, asked)
        case Step.HALF_ANSWERED:
            here.answer(value.halved_by(gate), value)
            return Held(gate, asked)
        case Step.RETRY:
            here.answer(failure("InternalServiceError", status=500), value)
            return Held(gate, asked)
        case Step.THROTTLED:
            here.answer(failure("ThrottlingException", "Rate exceeded"), value)
            return Held(gate, asked)


def run(freeze: Freeze, authorities: Authorities, folder: Path) -> SeenAfter:
    more = {
        "SECRETS_MANAGER_TTL": str(freeze.state.ttl),
        "SECRETS_MANAGER_TIMEOUT_MILLIS": str(int(TIME_OUT * 1000)),
        "PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT": "0",
        "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS": "1" if freeze.step is Step.QUEUED else "3",
    }
    with world(authorities, folder, None, False, False, more) as here:
        if freeze.state is not State.NONE:
            read(here, 1)
            time.sleep(freeze.state.age)
        fetches, requests = fetches_of(here), len(here.stub.calls)
        held = hold(here, freeze.step)
        if freeze.step is Step.QUEUED:
            Asking(here, SECRET.replace(KEY, OTHER_KEY))
            eventually(lambda: len(here.stub.calls) > requests, "the other key's call has left")
        frozen = Asking(here, SECRET)
        eventually(held.reached, f"the fetch is {freeze.step.value}")
        time.sleep(0.005 if freeze.step is Step.RETRY else 0.03)  # what AWS has sent by now has arrived
        stop_and_go_on(here, freeze, held)
        thawed = time.monotonic()
        got = read(here, CALLERS)
        first = frozen.answer()
        first.seconds = frozen.answered_at - thawed
        return SeenAfter(
            counted([first]),
            counted(got),
            max(caller.seconds for caller in [first, *got]),
            fetches_of(here) - fetches,
            len(here.stub.calls) - requests,
            len(leaks_in(here.log.text())),
            here.log.text().count("panicked"),
            peak_memory(here.extension.pid),
        )


def stop_and_go_on(here: World, freeze: Freeze, held: Held) -> None:
    process = Process(here.extension.pid)
    process.signal(signal.SIGSTOP)
    eventually(process.is_stopped, "the extension is frozen")
    if freeze.step is Step.UNREAD:
        held.gate.set()
    time.sleep(freeze.length.value)
    match freeze.connections:
        case Connections.CUT:
            here.proxy.cut_all()
        case Connections.SILENT:
            here.proxy.silence_all()
    here.proxy.mode = Mode.PASS
    if freeze.step is Step.CONNECTING:
        here.proxy.accept_again()
    if freeze.connections is Connections.LIVE:
        here.proxy.let_go()
    held.gate.set()
    process.signal(signal.SIGCONT)
    here.api.invoke()


class Asking(threading.Thread):
    """One caller, in a thread of its own."""

    def __init__(self, here: World, path: str) -> None:
        super().__init__(daemon=True)
        self._here, self._path = here, path
        self._got = Got()
        self.answered_at = 0.0
        self.start()

    def run(self) -> None:
        (self._got,) = asyncio.run(ask_together(self._path, 1, self._here.token, GIVE_UP_AFTER))
        self.answered_at = time.monotonic()

    def answer(self) -> Got:
        self.join()
        return self._got


def read(here: World, callers: int) -> list[Got]:
    return asyncio.run(ask_together(SECRET, callers, here.token, GIVE_UP_AFTER))


def broken(seen: SeenAfter) -> list[str]:
    """A sentence for each promise that was not kept."""
    found = []
    if seen.answers != {"200 new": CALLERS}:
        found.append(f"callers after the freeze got {seen.answers}")
    if seen.frozen != {"200 new": 1}:
        found.append(f"the caller that was frozen got {seen.frozen}")
    if seen.slowest > NEW_CONNECTION:
        found.append(f"a caller waited {seen.slowest:.2f} s")
    if seen.leaks or seen.panics:
        found.append(f"{seen.leaks} leaks and {seen.panics} panics in the log")
    return found
