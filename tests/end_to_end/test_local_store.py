"""With a local store it serves from a file, and needs neither AWS nor Lambda."""

import base64
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.environment import settings
from support.extension import Extension
from support.log_file import LogFile
from support.private_words import SESSION_TOKEN, value_of
from support.project import EXAMPLE_STORE, MISBEHAVING_STORE
from support.reply import Reply
from support.waiting import eventually

StartOnStore = Callable[..., Extension]


def on_store(store: Path, log: LogFile, **more: str) -> Extension:
    environment = settings(
        AWS_SESSION_TOKEN=SESSION_TOKEN, PARAMETERS_SECRETS_EXTENSION_LOCAL_STORE=str(store), **more
    )
    return Extension(environment, log)


@pytest.fixture
def start_on_store(log: LogFile) -> Iterator[StartOnStore]:
    with ExitStack() as stack:
        yield lambda store, **more: stack.enter_context(on_store(store, log, **more))


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


def ask_together(extension: Extension, *names: str) -> list[Reply]:
    with ThreadPoolExecutor(len(names)) as threads:
        return list(threads.map(lambda name: extension.get(f"/secretsmanager/get?secretId={name}"), names))


def test_the_misbehaving_example_shows_callers_that_share_a_call(start_on_store: StartOnStore, log: LogFile) -> None:
    replies = ask_together(start_on_store(MISBEHAVING_STORE), "example/slow", "example/slow")

    assert [reply.status for reply in replies] == [200, 200]
    assert log.matches("joined a fetch in flight")
    assert log.matches("fetch done .*answered=2")


def test_the_misbehaving_example_shows_the_queue_of_the_pool(start_on_store: StartOnStore, log: LogFile) -> None:
    extension = start_on_store(MISBEHAVING_STORE, PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS="1")

    assert [reply.status for reply in ask_together(extension, "example/slow", "example/slow-too")] == [200, 200]
    log.wait_for("pool saturated")
    log.wait_for("queued_ms=[23][0-9]{3}")


def test_the_misbehaving_example_shows_failures_that_pass_and_one_that_stays(start_on_store: StartOnStore) -> None:
    extension = start_on_store(MISBEHAVING_STORE)

    def code(name: str) -> str | None:
        return extension.get(f"/secretsmanager/get?secretId={name}").error_type

    assert [code("example/flaky") for _ in range(3)] == ["InternalServiceError", "InternalServiceError", None]
    assert [code("example/down") for _ in range(3)] == ["ServiceUnavailable"] * 3


def test_a_kept_value_is_answered_while_the_edited_store_fails(
    start_on_store: StartOnStore, tmp_path: Path, log: LogFile
) -> None:
    store, content = tmp_path / "store.json", {"secrets": {"db": value_of("db")}}
    store.write_text(json.dumps(content))
    extension = start_on_store(store, SECRETS_MANAGER_TTL="1")
    assert extension.get("/secretsmanager/get?secretId=db").status == 200

    store.write_text(json.dumps({"fail": "ServiceUnavailable", **content}))

    def is_stale() -> bool:
        reply = extension.get("/secretsmanager/get?secretId=db")
        return reply.status == 200 and reply.headers.get("Warning") == '110 - "Response is Stale"'

    eventually(is_stale, "an old value")
    assert log.matches("answering with an old value")
