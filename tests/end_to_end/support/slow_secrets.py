"""What the demonstrations ask for: secrets of a stub that takes its time."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import make_authority
from support.environment import ENVIRONMENT_CREDENTIALS, upstreams
from support.private_words import value_of


@contextmanager
def slow_secrets(folder: Path, names: Iterable[str], seconds: float) -> Iterator[tuple[AwsStub, dict[str, str]]]:
    """The stub that has them, and the environment of an extension that asks it."""
    authority = make_authority(folder / "authority", "Demo authority")
    with AwsStub(authority) as stub:
        for name in names:
            stub.lay_down(GET_SECRET, name, secret(name, value_of(name)).taking(seconds))
        yield stub, {**upstreams(stub.url), **ENVIRONMENT_CREDENTIALS, "AWS_CA_BUNDLE": str(authority.bundle)}
