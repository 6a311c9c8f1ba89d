"""A function's handler reads as code in the wild does: urllib, a trailing slash, percent-encoded
names."""

import json

from conftest import StartEmulator
from support.moto_upstream import MotoUpstream
from support.private_words import value_of


def test_every_spelling_of_a_name_reads_the_same_value(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    arn = moto.put_secret("team/db", value_of("team/db"))
    moto.put_parameter("/app/url", value_of("/app/url"))
    secret_paths = [
        "/secretsmanager/get?secretId=team/db",
        "/secretsmanager/get/?secretId=team%2Fdb",
        f"/secretsmanager/get?secretId={arn}",
        f"/secretsmanager/get?secretId={arn.replace(':', '%3A').replace('/', '%2F')}",
    ]
    parameter_paths = [
        "/systemsmanager/parameters/get?name=/app/url",
        "/systemsmanager/parameters/get/?name=%2Fapp%2Furl",
        "/systemsmanager/parameters/get/?withDecryption=true&name=%2Fapp%2Furl",
    ]
    emulator = start_emulator("reads.handler", moto.url)

    replies = emulator.invoke({"paths": secret_paths + parameter_paths}).json()

    assert [status for status, _ in replies] == [200] * 7
    bodies = [json.loads(body) for _, body in replies]
    assert {body["SecretString"] for body in bodies[:4]} == {value_of("team/db")}
    assert {body["Parameter"]["Value"] for body in bodies[4:]} == {value_of("/app/url")}


def test_versions_labels_and_secure_strings_are_passed_on(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_parameter("/app/key", value_of("the first key"), "SecureString")
    moto.put_parameter("/app/key", value_of("the second key"), "SecureString")
    emulator = start_emulator("reads.handler", moto.url)
    parameter = "/systemsmanager/parameters/get/?name=%2Fapp%2Fkey&withDecryption=true"

    latest, first = emulator.invoke({"paths": [parameter, parameter + "&version=1"]}).json()

    assert json.loads(latest[1])["Parameter"]["Value"] == value_of("the second key")
    assert json.loads(first[1])["Parameter"]["Value"] == value_of("the first key")
    assert [call.key for call in moto.calls()] == ["/app/key", "/app/key:1"]


def test_a_secret_is_read_through_the_parameter_path(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("reads.handler", moto.url)
    path = "/systemsmanager/parameters/get/?name=%2Faws%2Freference%2Fsecretsmanager%2Fdb&withDecryption=true"

    ((status, body),) = emulator.invoke({"paths": [path]}).json()

    assert status == 200
    assert json.loads(body)["Parameter"]["Value"] == value_of("db")


def test_a_value_is_fetched_once_for_many_invocations(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator("reads.handler", moto.url)

    replies = [emulator.invoke({"paths": ["/secretsmanager/get?secretId=db"]}).json() for _ in range(5)]

    assert all(status == 200 for ((status, _),) in replies)
    assert len(moto.calls()) == 1
