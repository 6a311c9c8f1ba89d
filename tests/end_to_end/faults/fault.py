"""What a fault is, and what callers are promised while it lasts."""

from dataclasses import dataclass

from faults.world import Change, World

NO_CODES: frozenset[str] = frozenset()


def nothing(_world: World) -> None:
    pass


@dataclass(frozen=True)
class Fault:
    name: str
    """Its subject is AWS or what stands between AWS and the extension."""
    begins: Change = nothing
    ends: Change = nothing
    """Afterwards everything is well."""
    codes: frozenset[str] = NO_CODES
    """What a caller may get for which nothing is kept. None: every caller gets the new value all
    the same."""
    has_old_value_instead: bool | None = None
    """Whether a caller gets an expired value; None: if those without any get an error."""
    fetches: int = 1
    """How many calls of the extension a time-out has room for; the SDK makes three attempts at
    one."""
    over_within: float = 1.5
    """How long after its end `refreshNow` may still fail."""
    answered_within: float = 0.0
    """What the network alone needs for the answers, beyond the usual."""
    warm: bool = False
    """Whether a connection is open when it begins, even if the key was never read."""
    by_name: bool = False
    from_endpoint: bool = False
    """Whether credentials come from an endpoint, as with SnapStart, and not from the
    environment."""
    settings: tuple[tuple[str, str], ...] = ()
    has_value: bool = True
    """Whether a value can have been read before it began."""

    @property
    def serves_expired(self) -> bool:
        return bool(self.codes) if self.has_old_value_instead is None else self.has_old_value_instead
