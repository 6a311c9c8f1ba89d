"""The samples of the pages read text and binary secrets, show what an error says, give up in time,
and use no proxy."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.environment import PORT, settings
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN
from support.project import EXAMPLE_STORE, PROJECT, PYTHON, ROTATION_EXAMPLE
from support.proxy_trap import ProxyTrap
from support.samples import SAMPLES, Sample, blocks, handler_that_checks

TIME_OUT = 10
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
# C# is not run: its runtime is in no registry that the tests install from.
RUN_LANGUAGES = {"python", "js", "java", "go", "ruby", "php", "rust"}


@pytest.fixture
def trap() -> Iterator[ProxyTrap]:
    """The way out that the samples' environment names; none may take it."""
    with ProxyTrap() as trap:
        yield trap
        assert trap.heads == [], "a sample has sent its request, with the token, to the proxy"


@pytest.fixture(scope="session")
def command_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sample], list[str]]:
    """Makes each sample into a program once: some are compiled."""
    made: dict[str, list[str]] = {}

    def command_of(sample: Sample) -> list[str]:
        if sample.title not in made:
            made[sample.title] = sample.make(tmp_path_factory.mktemp("sample"))
        return made[sample.title]

    return command_of


@pytest.fixture(params=SAMPLES, ids=[sample.title for sample in SAMPLES])
def sample(request: pytest.FixtureRequest) -> Sample:
    found: Sample = request.param
    return found


@pytest.fixture
def extension(log: LogFile) -> Iterator[Extension]:
    environment = settings(AWS_SESSION_TOKEN=SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(EXAMPLE_STORE))
    with Extension(environment, log) as extension:
        yield extension


def run(command: list[str], name: str, trap: ProxyTrap) -> subprocess.CompletedProcess[bytes]:
    environment = {"PATH": os.environ["PATH"], "AWS_SESSION_TOKEN": SESSION_TOKEN, **trap.environment()}
    return subprocess.run([*command, name], env=environment, capture_output=True, timeout=60)


@pytest.mark.usefixtures("extension")
def test_a_sample_reads_text_and_bytes_and_shows_what_an_error_says(
    sample: Sample, command_of: Callable[[Sample], list[str]], trap: ProxyTrap
) -> None:
    command = command_of(sample)

    text = run(command, "example/plain", trap)
    binary = run(command, "example/binary", trap)
    missing = run(command, "no/such secret&", trap)

    assert (text.returncode, binary.returncode) == (0, 0), (text, binary)
    assert b"not-a-secret" in text.stdout
    assert sample.of_binary in binary.stdout
    assert missing.returncode != 0
    assert b"ResourceNotFoundException" in missing.stdout + missing.stderr, missing


@pytest.mark.usefixtures("extension")
@pytest.mark.parametrize(
    ("folder", "call", "variables", "shows"),
    [
        (
            PROJECT / "layer" / "examples" / "function",
            "app.handler({}, None)",
            {"SECRET_NAME": "NAME", "PARAMETER_NAME": "/example/text"},
            b"'name': 'example/json'",
        ),
        (ROTATION_EXAMPLE, "app.credentials()", {"SECRET_ID": "NAME"}, b"'password': 'not-a-secret'"),
    ],
    ids=["layer/examples/function", "examples/rotation"],
)
def test_an_example_reads_a_secret_and_shows_what_an_error_says(
    folder: Path, call: str, variables: dict[str, str], shows: bytes, trap: ProxyTrap
) -> None:
    def run_with(name: str) -> subprocess.CompletedProcess[bytes]:
        names = {variable: value.replace("NAME", name) for variable, value in variables.items()}
        environment = {"AWS_SESSION_TOKEN": SESSION_TOKEN, **names, **trap.environment()}
        command = [PYTHON, "-B", "-c", f"import app; print({call})"]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60)

    found, missing = run_with("example/json"), run_with("no/such secret&")

    assert shows in found.stdout, found
    assert missing.returncode != 0 and b"ResourceNotFoundException" in missing.stderr, missing


def test_a_sample_gives_up_when_nothing_answers(
    command_of: Callable[[Sample], list[str]], trap: ProxyTrap
) -> None:
    # The test above skips, or fails, for each of the others by itself.
    samples = [sample for sample in SAMPLES if not sample.missing()]
    commands = {sample.title: command_of(sample) for sample in samples}

    def seconds(command: list[str]) -> float:
        began = time.monotonic()
        assert run(command, "example/plain", trap).returncode != 0
        return time.monotonic() - began

    with (
        socket.create_server(("127.0.0.1", PORT), backlog=64),
        ThreadPoolExecutor(len(commands)) as at_once,
    ):
        took = dict(zip(commands, at_once.map(seconds, commands.values()), strict=True))

    assert all(TIME_OUT - 1 < each < TIME_OUT + 10 for each in took.values()), took


def test_the_trap_catches_a_client_that_uses_proxies() -> None:
    with ProxyTrap() as trap:
        proxies = urllib.request.ProxyHandler({"http": trap.environment()["HTTP_PROXY"]})
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.build_opener(proxies).open(f"http://localhost:{PORT}/ping")
        assert len(trap.heads) == 1


def test_no_page_has_a_sample_that_is_not_run() -> None:
    found = [block for page in PAGES for block in blocks(page) if block.language in RUN_LANGUAGES]
    assert len(found) >= 8
    not_run = [block for block in found if not any(sample.is_made_of(block) for sample in SAMPLES)]
    assert not_run == [handler_that_checks()]


def test_every_curl_line_with_the_token_refuses_proxies() -> None:
    lines = [line for page in PAGES for line in page.read_text().replace("\\\n", "").splitlines()]
    with_token = [line for line in lines if "curl" in line and "Secrets-Token" in line]
    assert len(with_token) >= 2
    assert [line for line in with_token if "--noproxy" not in line] == []
