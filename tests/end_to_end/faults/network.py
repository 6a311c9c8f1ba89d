"""What the network does wrong. The connections that are open are lost, unless it says otherwise."""

from faults.fault import Fault
from faults.world import World
from support.fault_proxy import Mode

DISPATCH = frozenset({"DispatchFailure"})
TIME_OUT = frozenset({"RequestTimeout"})


def refuses(world: World) -> None:
    world.proxy.refuse()
    world.proxy.cut_all()


def has_no_route(world: World) -> None:
    world.proxy.leave_unanswered()
    world.proxy.cut_all()


def accepts_again(world: World) -> None:
    world.proxy.accept_again()


def turning(name: str, mode: Mode, codes: frozenset[str]) -> Fault:
    def begins(world: World) -> None:
        world.proxy.mode = mode
        world.proxy.cut_all()

    def ends(world: World) -> None:
        world.proxy.mode = Mode.PASS
        world.proxy.cut_all()

    return Fault(name, begins, ends, codes)


def closes_idle(world: World) -> None:
    world.proxy.cut_all()


def forgets_idle(world: World) -> None:
    world.proxy.silence_all()


def remembers(world: World) -> None:
    world.proxy.cut_all()


NETWORK = (
    Fault("refuses connections", refuses, accepts_again, DISPATCH),
    Fault("has no route: connecting is never answered", has_no_route, accepts_again, TIME_OUT),
    turning("resets connections as soon as they are made", Mode.RESET, DISPATCH),
    turning("accepts connections and says nothing", Mode.BLACK_HOLE, TIME_OUT),
    turning("resets within the TLS handshake", Mode.CUT_REPLIES, DISPATCH),
    Fault("has closed its idle connections", closes_idle, warm=True),
    Fault("has forgotten its idle connections, silently", forgets_idle, remembers, TIME_OUT, warm=True),
)
