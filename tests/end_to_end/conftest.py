"""What every test can ask for. The tests run one after another: they share the sandbox's fixed
ports."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.aws_stub import AwsStub
from support.certificates import Authority, make_authority
from support.emulator import Emulator
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.extension import Extension
from support.fault_proxy import FaultProxy
from support.function import Function, python_function
from support.log_file import LogFile
from support.moto_upstream import MotoUpstream
from support.opt_extensions import install_extension
from support.private_words import leaks_in
from support.wall_clock import WallClock

# What is built by commands of its own, `make layer` and `make layer-static`, is tested by commands
# of its own.
BUILT_APART = {"LAYERS": "test_layers.py", "STATIC_PROGRAMS": "test_static.py"}
collect_ignore = [test for variable, test in BUILT_APART.items() if variable not in os.environ]

StartExtension = Callable[..., Extension]
StartEmulator = Callable[..., Emulator]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The test authority that upstreams' certificates are signed by."""
    return make_authority(tmp_path_factory.mktemp("authority") / "trusted", "Test authority")


@pytest.fixture(scope="session")
def running_moto(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoUpstream]:
    with MotoUpstream(authority, LogFile(tmp_path_factory.mktemp("moto") / "moto.log")) as moto:
        yield moto


@pytest.fixture
def moto(running_moto: MotoUpstream) -> MotoUpstream:
    """Secrets Manager and Parameter Store, empty."""
    running_moto.forget()
    return running_moto


@pytest.fixture
def stub(authority: Authority) -> Iterator[AwsStub]:
    """Secrets Manager and Parameter Store, answering what the test lays down."""
    with AwsStub(authority) as stub:
        yield stub


@pytest.fixture
def proxy(stub: AwsStub) -> Iterator[FaultProxy]:
    """Stands before the stub."""
    with FaultProxy(stub.port) as proxy:
        yield proxy


@pytest.fixture
def proxy_to_moto(moto: MotoUpstream) -> Iterator[FaultProxy]:
    """Stands before moto."""
    with FaultProxy(moto.port) as proxy:
        yield proxy


@pytest.fixture
def wall_clock(tmp_path: Path) -> WallClock:
    """A wall clock that a test can step."""
    return WallClock(tmp_path)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogFile]:
    """Where everything that a test starts writes to. It is shown if the test fails.

    Neither a value nor a credential may ever stand in it, whatever the test was about.
    """
    log = LogFile(tmp_path / "log")
    yield log
    print(log.text())
    leaks = leaks_in(log.text())
    assert not leaks, "a value or a credential was logged: " + "\n".join(leaks)


@pytest.fixture
def start_extension(authority: Authority, log: LogFile) -> Iterator[StartExtension]:
    """Starts the extension without Lambda, on an upstream's URL, and waits until it serves."""
    with ExitStack() as stack:

        def start(url: str, **more: str) -> Extension:
            environment = settings(
                **{**upstreams(url), **ENVIRONMENT_CREDENTIALS, "AWS_CA_BUNDLE": str(authority.bundle), **more}
            )
            return stack.enter_context(Extension(environment, log))

        yield start


@pytest.fixture
def start_emulator(authority: Authority, log: LogFile) -> Iterator[StartEmulator]:
    """Starts the emulator with the extension and a function, on an upstream's URL: a handler is one
    in Python."""
    install_extension()
    with ExitStack() as stack:

        def start(function: str | Function, url: str, options: tuple[str, ...] = (), **more: str) -> Emulator:
            environment = settings(
                **{**upstreams(url), **ENVIRONMENT_CREDENTIALS, "AWS_CA_BUNDLE": str(authority.bundle), **more}
            )
            if isinstance(function, str):
                function = python_function(function)
            return stack.enter_context(Emulator(function, environment, log, options))

        yield start
