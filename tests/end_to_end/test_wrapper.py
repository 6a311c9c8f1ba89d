"""The wrapper puts values into a function's environment before its runtime starts."""

import json
from collections.abc import Callable

import pytest

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET
from support.function import Function, node_function, python_function, rust_function
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.project import SUPPORT, wrapper_binary
from support.upstream_call import count_by_key

LANGUAGES = {"Python": python_function, "Node": node_function, "Rust": rust_function}

REFERENCES = {
    "DB_PASSWORD": "${secret:prod/db#password}",
    "URL": "postgres://${secret:prod/db#/user/name}:${secret:prod/db#password}@host/app",
    "LEVEL": "${parameter:/app/level}",
    "SHELL_SYNTAX": "${HOME}",
    "OPTIONAL": "${secret:prod/none:-by default}",
    "LITERAL": "$${secret:prod/db}",
}
RESOLVED = {
    "DB_PASSWORD": value_of("password"),
    "URL": f"postgres://{value_of('user')}:{value_of('password')}@host/app",
    "LEVEL": value_of("level"),
    "SHELL_SYNTAX": "${HOME}",
    "OPTIONAL": "by default",
    "LITERAL": "${secret:prod/db}",
}


@pytest.fixture
def stored(moto: MotoUpstream) -> MotoUpstream:
    moto.put_secret("prod/db", json.dumps({"user": {"name": value_of("user")}, "password": value_of("password")}))
    moto.put_parameter("/app/level", value_of("level"), "SecureString")
    return moto


@pytest.mark.parametrize("function_in", list(LANGUAGES.values()), ids=list(LANGUAGES))
def test_a_function_starts_with_the_values_of_its_references(
    function_in: Callable[[str], Function], start_emulator: StartEmulator, stored: MotoUpstream
) -> None:
    function = function_in("environment.handler").behind(wrapper_binary())
    emulator = start_emulator(function, stored.url, **REFERENCES)

    outcome = emulator.invoke({"names": list(RESOLVED)}).json()

    assert outcome["environment"] == RESOLVED
    assert count_by_key(stored.calls()) == {
        (GET_SECRET, "prod/db"): 1,
        (GET_SECRET, "prod/none"): 1,
        (GET_PARAMETER, "/app/level"): 1,
    }


def test_the_next_wrapper_is_started_with_the_values_and_all_arguments(
    start_emulator: StartEmulator, stored: MotoUpstream
) -> None:
    function = python_function("environment.handler")
    odd = ["", "two words", "$HOME", "--local-store", "é"]
    function = Function([*function.command, *odd], function.folder).behind(wrapper_binary())
    next_wrapper = {"PARAMETERS_SECRETS_EXTENSION_ENV_NEXT_WRAPPER": str(SUPPORT / "second_wrapper")}
    emulator = start_emulator(function, stored.url, **REFERENCES, **next_wrapper)

    outcome = emulator.invoke({"names": ["DB_PASSWORD", "SET_BY_THE_SECOND_WRAPPER", *next_wrapper]}).json()

    assert outcome["environment"] == {
        "DB_PASSWORD": value_of("password"),
        "SET_BY_THE_SECOND_WRAPPER": f"saw {value_of('password')}",
        **dict.fromkeys(next_wrapper),
    }
    assert outcome["arguments"] == ["environment.handler", *odd]


def test_fifty_references_to_three_secrets_are_three_calls(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    names = ["one", "two", "three"]
    for name in names:
        moto.put_secret(name, json.dumps({str(field): value_of(f"{name} {field}") for field in range(50)}))
    references = {f"VARIABLE_{number}": f"${{secret:{names[number % 3]}#{number}}}" for number in range(50)}
    function = python_function("environment.handler").behind(wrapper_binary())

    outcome = start_emulator(function, moto.url, **references).invoke({"names": list(references)}).json()

    assert outcome["environment"] == {
        f"VARIABLE_{number}": value_of(f"{names[number % 3]} {number}") for number in range(50)
    }
    assert count_by_key(moto.calls()) == {(GET_SECRET, name): 1 for name in names}


def test_every_key_of_a_json_secret_becomes_a_variable(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("prod/env", json.dumps({"HOST": value_of("host"), "PORT": 5432, "KEEP": value_of("keep")}))
    function = python_function("environment.handler").behind(wrapper_binary())
    emulator = start_emulator(
        function, moto.url, PARAMETERS_SECRETS_EXTENSION_ENV_FROM="secret:prod/env", KEEP="the function's own"
    )

    outcome = emulator.invoke({"names": ["HOST", "PORT", "KEEP"]}).json()

    assert outcome["environment"] == {"HOST": value_of("host"), "PORT": "5432", "KEEP": "the function's own"}


def test_what_is_missing_is_the_functions_init_error_with_a_line_for_each_variable(
    start_emulator: StartEmulator, stored: MotoUpstream
) -> None:
    function = python_function("environment.handler").behind(wrapper_binary())
    references = {"A": "${secret:gone}", "B": "x ${secret:prod/db#pasword}", "C": "${parameter:/app/level}"}
    emulator = start_emulator(function, stored.url, **references)

    reply = emulator.invoke({"names": []})

    lines = [
        "A: secret:gone: ResourceNotFoundException: Secrets Manager can't find the specified secret.",
        'B: secret:prod/db: the value has no field "pasword"',
    ]
    assert reply.json() == {"errorType": "Runtime.UnresolvedEnvironment", "errorMessage": "\n".join(lines), "stackTrace": []}
    for line in lines:
        assert f"parameters-secrets-wrapper: {line}\n" in emulator.log.text()


def test_a_function_without_references_starts_without_the_extension_being_asked(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    function = python_function("environment.handler").behind(wrapper_binary())
    emulator = start_emulator(function, moto.url, PLAIN="${HOME}")

    assert emulator.invoke({"names": ["PLAIN"]}).json()["environment"] == {"PLAIN": "${HOME}"}
    assert "/secretsmanager/get" not in emulator.log.text()
