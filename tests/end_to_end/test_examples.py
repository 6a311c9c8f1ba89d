"""The examples that people copy, under Lambda's emulator: binary secrets, and time-outs that are
long enough."""

import json
import re

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.database import ANSWER, USER, Database
from support.private_words import value_of
from support.project import LAYER_EXAMPLES, ROTATION_EXAMPLE


def test_the_layers_function_reads_a_binary_secret(start_emulator: StartEmulator, stub: AwsStub) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", b"\x00\xff\x00"))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url"), "SecureString"))
    function = {
        "PYTHONPATH": str(LAYER_EXAMPLES / "function"), "SECRET_NAME": "db", "PARAMETER_NAME": "/app/url"
    }  # fmt: skip

    answer = start_emulator("app.handler", stub.url, **function).invoke().json()

    assert (answer["secret"]["name"], answer["secret"]["bytes"]) == ("db", 3)
    assert answer["parameter"] == {"name": "/app/url", "version": 1}


def test_the_rotation_example_logs_in_with_a_binary_secret(start_emulator: StartEmulator, stub: AwsStub) -> None:
    login = json.dumps({"username": USER, "password": value_of("password")})
    stub.lay_down(GET_SECRET, "db", secret("db", login.encode()))
    with Database(value_of("password")) as database:
        function = {"PYTHONPATH": str(ROTATION_EXAMPLE), "SECRET_ID": "db", "DATABASE_URL": database.url}

        assert start_emulator("app.handler", stub.url, **function).invoke().json() == ANSWER


def test_the_functions_of_the_templates_outlive_the_extensions_worst_answers() -> None:
    """Two reads, one after the other, each ended by the deadline that the template sets."""
    for template, time_out, deadline in [
        ("sam/template.yaml", r"Timeout: (\d+)", r"DEADLINE_MILLIS: \"(\d+)\""),
        ("cdk/app.ts", r"timeout: Duration\.seconds\((\d+)\)", r"DEADLINE_MILLIS\", \"(\d+)\""),
    ]:
        text = (LAYER_EXAMPLES / template).read_text()
        found = [re.search(pattern, text) for pattern in (time_out, deadline)]
        seconds, millis = (int(match[1]) for match in found if match)
        assert seconds * 1000 > 2 * millis, template
