"""A dump of the process's memory holds no value that the extension has let go, and a crash dumps
nothing."""

import os
import resource
import signal
import subprocess
from pathlib import Path

from conftest import StartExtension
from support.environment import ENVIRONMENT_CREDENTIALS, settings
from support.extension import Extension
from support.memory import copies
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import EXAMPLE_STORE, extension_binary
from support.waiting import eventually
from support.wall_clock import WallClock

# Long enough for no other text to overwrite a part of it by chance.
MARK = value_of("marked") + " 0123456789abcdef" * 8


def body_of(mark: str) -> str:
    """How a finished response body has it, in the order of AWS's extension; AWS itself has another
    order."""
    return f'"SecretString":"{mark}","VersionId"'


def ask(extension: Extension, name: str) -> None:
    assert extension.get(f"/secretsmanager/get?secretId={name}").status == 200


def start_with_marked_secret(start_extension: StartExtension, moto: MotoUpstream, **more: str) -> Extension:
    moto.put_secret("marked", MARK)
    for number in range(20):
        moto.put_secret(f"other-{number}", value_of(f"other-{number}") + "x" * len(MARK))
    extension = start_extension(moto.url, **more)
    ask(extension, "marked")
    assert copies(extension.pid, body_of(MARK)) > 0, "the search would find it"
    return extension


def test_an_evicted_value_is_in_no_buffer_of_ours(start_extension: StartExtension, moto: MotoUpstream) -> None:
    extension = start_with_marked_secret(start_extension, moto, PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE="1")

    for number in range(20):
        ask(extension, f"other-{number}")

    assert copies(extension.pid, body_of(MARK)) == 0


def test_an_expired_value_that_was_replaced_is_in_no_buffer_of_ours(
    start_extension: StartExtension, moto: MotoUpstream, wall_clock: WallClock
) -> None:
    extension = start_with_marked_secret(start_extension, moto, SECRETS_MANAGER_TTL="60", **wall_clock.environment)
    moto.put_secret_value("marked", value_of("newer") + "y" * len(MARK))

    wall_clock.step(60)
    for number in range(20):
        ask(extension, f"other-{number}")
        ask(extension, "marked")

    assert copies(extension.pid, body_of(MARK)) == 0


def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    def allow_cores() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    environment = {**settings(), **ENVIRONMENT_CREDENTIALS, "PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE": str(EXAMPLE_STORE)}
    process = subprocess.Popen([extension_binary()], cwd=tmp_path, env=environment, preexec_fn=allow_cores)
    limits = Path(f"/proc/{process.pid}/limits")
    # At a limit of one byte the kernel starts no program that `core_pattern` names either.
    eventually(lambda: "Max core file size        1                    1 " in limits.read_text(), "no cores")

    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = -signal.SIGABRT  # so that it is not waited for again

    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []
