"""The static build, in a root folder that has nothing but the program: as in an image made from
scratch.

`make layer-static-check` names the programs in STATIC_PROGRAMS. One for the other architecture runs
through qemu, which then lies beside it.
"""

import os
import platform
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.extension import Extension
from support.log_file import LogFile
from support.name_server import NameServer
from support.private_words import value_of
from support.project import TOOLS

PROGRAMS = [Path(path) for path in os.environ.get("STATIC_PROGRAMS", "").split()]
QEMU = TOOLS / "qemu" / "usr" / "bin" / "qemu-aarch64-static"
PATH = "/secretsmanager/get?secretId=db"


class InAnEmptyRoot(Extension):
    """Sees no other file than those in `root`."""

    def __init__(self, program: Path, root: Path, environment: dict[str, str], log: LogFile) -> None:
        super().__init__(environment, log)
        self._root = root
        self._command = ["/extension"]
        shutil.copy(program, root / "extension")
        if program.parent.name.endswith("arm64") and platform.machine() == "x86_64":
            shutil.copy(QEMU, root / "qemu")
            self._command = ["/qemu", "/extension"]

    def start(self) -> "InAnEmptyRoot":
        def enter_the_root() -> None:
            os.chroot(self._root)
            os.chdir("/")

        with self.log.path.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=subprocess.STDOUT, preexec_fn=enter_the_root
            )
        return self


@pytest.fixture(params=PROGRAMS, ids=lambda program: program.parent.name)
def program(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def by_name(stub: AwsStub) -> Iterator[str]:
    """The stub's address by a name that only a name server knows: there is no /etc/hosts."""
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    with NameServer("localhost", "127.0.0.1"):
        yield f"https://localhost:{stub.port}"


def environment_for(url: str, **more: str) -> dict[str, str]:
    return settings(**upstreams(url), **ENVIRONMENT_CREDENTIALS, AWS_MAX_ATTEMPTS="1", **more)


def test_it_serves_and_ends_with_nothing_beside_it(program: Path, root: Path, log: LogFile) -> None:
    with InAnEmptyRoot(program, root, environment_for("http://127.0.0.1:1"), log) as extension:
        assert extension.get("/ping", token=None).body == b"healthy"
        extension.signal(signal.SIGTERM)
        assert extension.wait_for_exit() == 0


def test_it_resolves_names_and_trusts_the_bundle_it_is_given(
    program: Path, root: Path, by_name: str, authority: Authority, log: LogFile
) -> None:
    shutil.copy(authority.bundle, root / "ca.pem")
    with InAnEmptyRoot(program, root, environment_for(by_name, AWS_CA_BUNDLE="/ca.pem"), log) as extension:
        reply = extension.get(PATH)

    assert reply.status == 200, reply.text
    assert value_of("db") in reply.text


def test_without_a_bundle_it_trusts_amazon_alone(program: Path, root: Path, by_name: str, log: LogFile) -> None:
    with InAnEmptyRoot(program, root, environment_for(by_name), log) as extension:
        reply = extension.get(PATH)

    assert (reply.status, reply.error_type) == (400, "DispatchFailure")
    assert "UnknownIssuer" in reply.text


def test_a_name_server_that_denies_ipv6_denies_the_name(
    program: Path, root: Path, stub: AwsStub, log: LogFile
) -> None:
    """Why the layer is not static: glibc takes the IPv4 address (docs/decisions/0014)."""
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")))
    with NameServer("localhost", "127.0.0.1") as names:
        names.denies_ipv6 = True
        with InAnEmptyRoot(program, root, environment_for(f"http://localhost:{stub.port}"), log) as extension:
            reply = extension.get(PATH)

    assert (reply.status, reply.error_type) == (400, "DispatchFailure")
    assert "Name does not resolve" in reply.text
