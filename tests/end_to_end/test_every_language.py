"""Functions in every language read in their init code and in their handler, alone and 64 callers at
once."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, secret
from support.aws_stub import AwsStub
from support.function import Function, node_function, python_function, rust_function
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.upstream_call import count_by_key

SECRET = "/secretsmanager/get?secretId=db"
PARAMETER = "/systemsmanager/parameters/get/?name=%2Fapp%2Furl"
OF_THE_HANDLER_ALONE = "/secretsmanager/get?secretId=handler"
NOT_READY = "not ready to serve traffic, please wait"
CALLERS = 64

LANGUAGES = {"Python": python_function, "Node": node_function, "Rust": rust_function}
FunctionIn = Callable[[str], Function]


@pytest.fixture(params=list(LANGUAGES.values()), ids=list(LANGUAGES))
def function_in(request: pytest.FixtureRequest) -> FunctionIn:
    """Names a function by its handler, in the language whose turn it is."""
    language: FunctionIn = request.param
    return language


def test_init_code_and_the_handler_read_a_secret_and_a_parameter(
    function_in: FunctionIn, start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    for name in ("db", "handler"):
        moto.put_secret(name, value_of(name))
    moto.put_parameter("/app/url", value_of("/app/url"))
    function = function_in("reads_in_init.handler")
    emulator = start_emulator(function, moto.url, READ_IN_INIT=f"{SECRET} {PARAMETER}")

    event = {"paths": [SECRET, PARAMETER, OF_THE_HANDLER_ALONE]}
    outcomes = [emulator.invoke(event).json() for _ in range(3)]

    of_init = [value_of("db"), value_of("/app/url")]
    for outcome in outcomes:
        assert [value_in(*reply) for reply in outcome["in init"]] == of_init
        assert [value_in(*reply) for reply in outcome["in the handler"]] == [*of_init, value_of("handler")]
    # The handler is answered from what the init code has read.
    assert count_by_key(moto.calls()) == {
        (GET_SECRET, "db"): 1,
        (GET_PARAMETER, "/app/url"): 1,
        (GET_SECRET, "handler"): 1,
    }
    assert NOT_READY not in emulator.log.text()


def test_64_callers_of_one_cold_secret_cost_one_upstream_call(
    function_in: FunctionIn, start_emulator: StartEmulator, stub: AwsStub
) -> None:
    gate = threading.Event()
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).behind(gate))
    emulator = start_emulator(function_in("herd.handler"), stub.url)

    with ThreadPoolExecutor(1) as elsewhere:
        invocation = elsewhere.submit(emulator.invoke, {"paths": [SECRET], "callers": CALLERS})
        emulator.log.wait_for(rf" DEBUG joined a fetch in flight .*\bwaiting={CALLERS}\b")
        gate.set()
        replies = invocation.result().json()

    assert [value_in(reply["status"], reply["body"]) for reply in replies] == [value_of("db")] * CALLERS
    assert count_by_key(stub.calls) == {(GET_SECRET, "db"): 1}


def test_64_callers_with_a_cold_secret_each_are_each_given_their_own(
    function_in: FunctionIn, start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    names = [f"db-{number}" for number in range(CALLERS)]
    for name in names:
        moto.put_secret(name, value_of(name))
    emulator = start_emulator(function_in("herd.handler"), moto.url)

    paths = [f"/secretsmanager/get?secretId={name}" for name in names]
    replies = emulator.invoke({"paths": paths, "callers": 1}).json()

    assert [value_in(reply["status"], reply["body"]) for reply in replies] == [value_of(name) for name in names]
    assert count_by_key(moto.calls()) == {(GET_SECRET, name): 1 for name in names}


def value_in(status: int, body: str) -> str:
    assert status == 200, body
    answer = json.loads(body)
    value: str = answer["SecretString"] if "SecretString" in answer else answer["Parameter"]["Value"]
    return value
