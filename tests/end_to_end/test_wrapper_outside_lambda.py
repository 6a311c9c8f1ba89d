"""The wrapper on a laptop and in CI: it finds an extension that runs, or starts one for the
command's life."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from conftest import StartExtension
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.environment import ENVIRONMENT_CREDENTIALS, settings
from support.moto_upstream import MotoUpstream
from support.private_words import leaks_in, value_of
from support.project import NAME, PYTHON, extension_binary, wrapper_binary
from support.waiting import eventually

PORT = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT"
PRINT_VALUE = ["/bin/sh", "-c", 'printf %s "$VALUE"']


@pytest.fixture(scope="module")
def wrapper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two programs as the layer has them below /opt."""
    opt = tmp_path_factory.mktemp("opt")
    for source, folder in ((extension_binary(), "extensions"), (wrapper_binary(), "bin")):
        (opt / folder).mkdir()
        shutil.copy(source, opt / folder)
    return opt / "bin" / wrapper_binary().name


@pytest.fixture
def store(tmp_path: Path) -> Path:
    store = tmp_path / "store.json"
    store.write_text(json.dumps({"secrets": {"db": {"json": {"password": value_of("db")}}}}))
    return store


def run(wrapper: Path, *words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [wrapper, *words], env=settings(PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL="", **environment),
        capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_command_has_an_extension_over_the_store_for_its_life(wrapper: Path, store: Path) -> None:
    ask = (
        "import os, urllib.request\n"
        f"port = os.environ['{PORT}']\n"
        "url = f'http://127.0.0.1:{port}/secretsmanager/get?secretId=db'\n"
        "headers = {'X-Aws-Parameters-Secrets-Token': os.environ['AWS_SESSION_TOKEN']}\n"
        "body = urllib.request.urlopen(urllib.request.Request(url, headers=headers)).read().decode()\n"
        "print(port, os.environ['VALUE'], os.environ['AWS_SESSION_TOKEN'], body, sep='\\n')\n"
    )
    outcomes = [
        run(wrapper, "--local-store", store, "--", PYTHON, "-c", ask, VALUE="${secret:db#password}") for _ in range(2)
    ]

    for outcome in outcomes:
        port, value, token, body = outcome.stdout.splitlines()
        assert (outcome.returncode, value) == (0, value_of("db"))
        (line,) = outcome.stderr.splitlines()
        assert line.endswith("Log level set to warn.")
        assert value_of("db") in json.loads(body)["SecretString"]
        assert len(token) == 32
        eventually(lambda port=port: not is_open(int(port)), "the extension ends with the command")
    assert outcomes[0].stdout.splitlines()[2] != outcomes[1].stdout.splitlines()[2]


@pytest.mark.parametrize("code", [0, 7])
def test_the_exit_code_is_the_commands(code: int, wrapper: Path, store: Path) -> None:
    assert run(wrapper, "--local-store", store, "--", "/bin/sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_are_the_commands_and_the_extension_goes_on_until_it_ends(
    number: signal.Signals, wrapper: Path, store: Path
) -> None:
    trap = (
        f"import os, signal, sys\nsignal.signal({number:d}, lambda *_: sys.exit(9))\n"
        f"print(os.environ['{PORT}'], flush=True)\nwhile True: signal.pause()\n"
    )
    with running(wrapper, "--local-store", store, "--", PYTHON, "-c", trap) as command:
        assert command.stdout is not None
        port = int(command.stdout.readline())
        assert is_open(port)
        command.send_signal(number)
        assert command.wait(10) == 9
    eventually(lambda: not is_open(port), "the extension ends with the command")


def test_the_extension_ends_even_with_a_command_that_is_killed(wrapper: Path, store: Path) -> None:
    with running(wrapper, "--local-store", store, "--", "/bin/sh", "-c", f'echo "${PORT}"; exec sleep 60') as command:
        assert command.stdout is not None
        port = int(command.stdout.readline())
        command.kill()
        # The command is still a zombie: its parent has not asked for its exit code.
        eventually(lambda: not is_open(port), "the extension ends with the command")


def test_a_command_that_waits_for_all_its_children_has_only_its_own(wrapper: Path, store: Path) -> None:
    wait = (
        "import os\n"
        "if os.fork() == 0: os._exit(5)\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "try: os.wait()\n"
        "except ChildProcessError: print('no other')\n"
    )
    outcome = run(wrapper, "--local-store", store, "--", PYTHON, "-c", wait)
    assert (outcome.returncode, outcome.stdout) == (0, "5\nno other\n")


@pytest.mark.parametrize("ends_first", ["the command", "the extension"])
def test_no_process_is_left_of_it(ends_first: str, wrapper: Path, store: Path) -> None:
    before = own_processes()
    with running(wrapper, "--local-store", store, "--", "/bin/sh", "-c", "echo; exec sleep 60") as command:
        assert command.stdout is not None
        command.stdout.readline()
        started = own_processes() - before
        assert len(started) == 2  # the guard, and the extension
        if ends_first == "the command":
            command.kill()
        else:
            (extension,) = (pid for pid in started if (Path("/proc") / str(pid) / "exe").readlink().name == NAME)
            os.kill(extension, signal.SIGKILL)
        eventually(lambda: own_processes() == before, f"nothing is left, not even a zombie, once {ends_first} has ended")


def test_a_bad_store_is_told_by_the_extensions_own_line(wrapper: Path, tmp_path: Path) -> None:
    store = tmp_path / "store.json"
    store.write_text('{"secrets": {')

    outcome = run(wrapper, "--local-store", store, "--", *PRINT_VALUE)

    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert str(store) in outcome.stderr and "line 1" in outcome.stderr
    assert outcome.stderr.endswith(
        "parameters-secrets-wrapper: parameters-secrets-extension ended before it served; its log says why\n"
    )


def test_a_session_token_that_is_there_stays(wrapper: Path, store: Path) -> None:
    outcome = run(
        wrapper, "--local-store", store, "--", "/bin/sh", "-c", 'printf %s "$AWS_SESSION_TOKEN"', AWS_SESSION_TOKEN="mine"
    )
    assert outcome.stdout == "mine"


def test_an_extension_that_starts_late_is_waited_for(
    wrapper: Path, start_extension: StartExtension, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    environment = settings(**ENVIRONMENT_CREDENTIALS, VALUE="${secret:db}")
    with running(wrapper, *PRINT_VALUE, environment=environment) as command:
        time.sleep(0.2)
        assert command.poll() is None
        start_extension(moto.url)
        stdout, _ = command.communicate(timeout=20)
    assert stdout == value_of("db")


def test_without_an_extension_it_gives_up_in_time_and_says_so(wrapper: Path) -> None:
    began = time.monotonic()
    outcome = run(
        wrapper, *PRINT_VALUE, VALUE="${secret:db}", AWS_SESSION_TOKEN="token",
        PARAMETERS_SECRETS_EXTENSION_ENV_TIMEOUT_MILLIS="300",
    )  # fmt: skip
    assert 0.29 <= time.monotonic() - began < 5
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr == (
        "parameters-secrets-wrapper: no parameters-secrets-extension answers on port 2773 (Connection refused (os error 111)), "
        "waited for 300 ms at most: is its layer attached, and PARAMETERS_SECRETS_EXTENSION_HTTP_PORT the same for both?\n"
    )


def test_an_upstream_that_hangs_is_given_up_in_time(
    wrapper: Path, start_extension: StartExtension, stub: AwsStub
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).hanging())
    start_extension(stub.url)
    outcome = run(
        wrapper, *PRINT_VALUE, VALUE="${secret:db}", PARAMETERS_SECRETS_EXTENSION_ENV_TIMEOUT_MILLIS="300",
        **ENVIRONMENT_CREDENTIALS,
    )  # fmt: skip
    assert outcome.stderr == "parameters-secrets-wrapper: VALUE: secret:db: no answer within 300 ms\n"


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("wrong", "VALUE: secret:db: bad session token or header key: the extension was started with another token"),
        (
            "",
            "neither AWS_SESSION_TOKEN nor PARAMETERS_SECRETS_EXTENSION_TOKEN is set: without a token the extension refuses "
            "every request",
        ),
    ],
)
def test_a_token_that_is_wrong_or_missing_is_told(
    token: str, error: str, wrapper: Path, start_extension: StartExtension, moto: MotoUpstream
) -> None:
    start_extension(moto.url)
    outcome = run(wrapper, *PRINT_VALUE, VALUE="${secret:db}", AWS_SESSION_TOKEN=token)
    assert (outcome.returncode, outcome.stderr) == (1, f"parameters-secrets-wrapper: {error}\n")


def test_a_snapshot_gets_values_only_if_told_to(
    wrapper: Path, start_extension: StartExtension, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    start_extension(moto.url)
    function = {"VALUE": "${secret:db}", "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", **ENVIRONMENT_CREDENTIALS}

    refused = run(wrapper, *PRINT_VALUE, **function)
    allowed = run(wrapper, *PRINT_VALUE, PARAMETERS_SECRETS_EXTENSION_ENV_IN_SNAPSHOT="TRUE", **function)

    assert refused.returncode == 1 and "SnapStart" in refused.stderr
    assert "PARAMETERS_SECRETS_EXTENSION_ENV_IN_SNAPSHOT=TRUE" in refused.stderr
    assert (allowed.returncode, allowed.stdout) == (0, value_of("db"))


def test_binary_secrets_are_refused_by_name(wrapper: Path, start_extension: StartExtension, moto: MotoUpstream) -> None:
    moto.put_secret("bytes", value_of("bytes").encode())
    start_extension(moto.url)
    outcome = run(wrapper, *PRINT_VALUE, VALUE="${secret:bytes:-x}", **ENVIRONMENT_CREDENTIALS)
    assert outcome.stderr == "parameters-secrets-wrapper: VALUE: secret:bytes: the value is binary, and a variable holds text\n"
    assert not leaks_in(outcome.stderr)


def test_a_slip_in_a_reference_is_named_and_left_as_it_is(wrapper: Path) -> None:
    outcome = run(wrapper, *PRINT_VALUE, VALUE="${secret:a b}")
    assert (outcome.returncode, outcome.stdout) == (0, "${secret:a b}")
    assert outcome.stderr == (
        "parameters-secrets-wrapper: VALUE: something in it begins like a reference but is not one; it is left as it is\n"
    )


def test_a_command_that_cannot_be_started_ends_as_in_a_shell(wrapper: Path, tmp_path: Path) -> None:
    (tmp_path / "not-executable").touch()
    missing = run(wrapper, tmp_path / "missing")
    forbidden = run(wrapper, tmp_path / "not-executable")

    assert (missing.returncode, forbidden.returncode) == (127, 126)
    assert missing.stderr == (
        f"parameters-secrets-wrapper: cannot start {tmp_path}/missing: No such file or directory (os error 2)\n"
    )


def test_what_is_not_utf_8_is_passed_on_unharmed(wrapper: Path) -> None:
    environment = {**{name.encode(): value.encode() for name, value in settings().items()}, b"ODD": b"\xff${secret:a}"}
    outcome = subprocess.run(
        [wrapper, "/bin/sh", "-c", 'printf %s "$ODD$1"', "sh", b"\xfe"], env=environment, capture_output=True, timeout=30
    )
    assert outcome.stdout == b"\xff${secret:a}\xfe"


def own_processes() -> set[int]:
    """Of both programs, whose names are equal as far as the kernel keeps them; zombies are counted."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            if f"({NAME[:15]})" in stat.read_text():
                found.add(int(stat.parent.name))
    return found


def is_open(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset, if it ends just now
        return False
    return True


class running:  # noqa: N801  (reads as a word)
    """A wrapped command that is not waited for; killed at the end, should it still run."""

    def __init__(self, *words: str | Path, environment: dict[str, str] | None = None) -> None:
        environment = environment or settings(PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL="")
        self.command = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> subprocess.Popen[str]:
        return self.command

    def __exit__(self, *_: object) -> None:
        self.command.kill()
        self.command.wait()
