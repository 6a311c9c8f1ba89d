"""Parameters that are fetched together: fewer calls, the same bytes."""

import signal
from urllib.parse import urlencode

from conftest import StartExtension
from support.extension import Extension
from support.moto_upstream import MotoUpstream
from support.private_words import value_of

PLAIN = [f"/app/{number}" for number in range(6)]
QUESTIONS = [
    *({"name": name} for name in PLAIN),
    {"name": "/app/list"},
    {"name": "/app/secure"},
    {"name": "/app/secure", "withDecryption": "true"},
    {"name": "/app/versions", "version": "1"},
    {"name": "/app/labels", "label": "prod"},
]


def path_of(question: dict[str, str]) -> str:
    return f"/systemsmanager/parameters/get?{urlencode(question)}"


def stop(extension: Extension) -> None:
    extension.signal(signal.SIGTERM)
    extension.wait_for_exit()


def fill(moto: MotoUpstream) -> None:
    for name in PLAIN:
        moto.put_parameter(name, value_of(name) + ' "quoted" \u00fc </script>\n')
    moto.put_parameter("/app/list", "a,b,c", "StringList")
    moto.put_parameter("/app/secure", value_of("secure"), "SecureString")
    for name in ("/app/versions", "/app/labels"):
        for version in ("first", "second"):
            moto.put_parameter(name, value_of(f"{name} {version}"))
    moto.label_parameter("/app/labels", 1, "prod")


def test_what_a_batch_brings_is_byte_for_byte_what_single_reads_bring(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    fill(moto)
    singly = start_extension(moto.url)
    bodies = [singly.get(path_of(question)).body for question in QUESTIONS]
    stop(singly)
    assert {call.operation for call in moto.calls()} == {"GetParameter"}
    calls_of_single_reads = len(moto.calls())
    assert calls_of_single_reads == len(QUESTIONS)

    batching = start_extension(moto.url, PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS="TRUE")
    names = [("name", question["name"]) for question in QUESTIONS if len(question) == 1]
    assert batching.get(f"/systemsmanager/parameters/batch?{urlencode(names)}").status == 200
    together = moto.calls()[calls_of_single_reads:]
    assert [(call.operation, len(call.request["Names"])) for call in together] == [("GetParameters", len(names))]

    assert [batching.get(path_of(question)).body for question in QUESTIONS] == bodies


def test_a_name_that_does_not_exist_gets_its_own_error_and_costs_the_others_nothing(
    start_extension: StartExtension, moto: MotoUpstream
) -> None:
    fill(moto)
    singly = start_extension(moto.url)
    refused = singly.get("/systemsmanager/parameters/get?name=/app/missing")
    stop(singly)
    batching = start_extension(moto.url, PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS="TRUE")

    names = urlencode([("name", name) for name in (*PLAIN, "/app/missing")])
    *found, missing = batching.get(f"/systemsmanager/parameters/batch?{names}").json()

    assert [item["Parameter"]["Name"] for item in found] == PLAIN
    assert "ParameterNotFound" in str(missing)
    alone = batching.get("/systemsmanager/parameters/get?name=/app/missing")
    assert (alone.status, alone.body) == (refused.status, refused.body)
