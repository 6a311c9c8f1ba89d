"""With a local store it serves from a file, and needs neither AWS nor Lambda."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.environment import settings
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN, value_of
from support.project import EXAMPLE_STORE

StartOnStore = Callable[[Path], Extension]


def on_store(store: Path, log: LogFile) -> Extension:
    environment = settings(AWS_SESSION_TOKEN=SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(store))
    return Extension(environment, log)


@pytest.fixture
def start_on_store(log: LogFile) -> Iterator[StartOnStore]:
    with ExitStack() as stack:
        yield lambda store: stack.enter_context(on_store(store, log))


def test_the_example_store_serves_everything_that_aws_would(start_on_store: StartOnStore, log: LogFile) -> None:
    extension = start_on_store(EXAMPLE_STORE)

    def secret(query: str) -> Any:
        return extension.get(f"/secretsmanager/get?secretId={query}").json()

    def parameter(query: str) -> Any:
        return extension.get(f"/systemsmanager/parameters/get/?name={query}").json()["Parameter"]

    assert secret("example/plain")["SecretString"] == "not-a-secret"
    assert base64.b64decode(secret("example/binary")["SecretBinary"]) == b"not-a-secret\xff"
    assert secret("example/staged")["VersionId"] == "11111111-1111-4111-8111-111111111111"
    assert secret("example/staged&versionStage=Canary")["CreatedDate"] == "2026-02-01T12:30:00.5Z"
    assert parameter("/example/text")["Value"] == "hello"
    assert parameter("%2Fexample%2Flist")["Value"] == "red,green,blue"
    assert parameter("/example/secure&withDecryption=true")["Value"] == "not-a-secret"
    assert parameter("/example/secure")["Value"] != "not-a-secret"
    assert parameter("/example/versions&label=Dev")["Value"] == "second"
    assert parameter("/example/versions")["Version"] == 3
    assert "not-a-secret" not in log.text()


def test_what_the_store_does_not_have_is_not_found(start_on_store: StartOnStore) -> None:
    extension = start_on_store(EXAMPLE_STORE)

    assert extension.get("/secretsmanager/get?secretId=missing").error_type == "ResourceNotFoundException"
    assert extension.get("/systemsmanager/parameters/get?name=missing").error_type == "ParameterNotFound"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"secrets": {"db": {"string": 7}}}', "db"),
        ('{"parameters": {"/app/url": {"type": "Sring", "value": "x"}}}', "/app/url"),
        ('{"secrets": {', "line 1"),
    ],
)
def test_a_bad_file_is_a_clear_error_that_names_the_place(text: str, place: str, tmp_path: Path, log: LogFile) -> None:
    store = tmp_path / "store.json"
    store.write_text(text.replace("x", value_of("x")))

    extension = on_store(store, log).start()

    assert extension.wait_for_exit() != 0
    (line,) = log.matches(r"^.* ERROR .*$")
    assert str(store) in line[0] and place in line[0]
    assert "panicked" not in log.text()


def test_a_missing_file_is_a_clear_error_that_names_it(tmp_path: Path, log: LogFile) -> None:
    store = tmp_path / "not-there.json"

    extension = on_store(store, log).start()

    assert extension.wait_for_exit() != 0
    (line,) = log.matches(r"^.* ERROR .*$")
    assert str(store) in line[0]
