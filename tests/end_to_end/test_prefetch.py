"""What the function will ask for is fetched while its runtime starts."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.upstream_call import count_by_key

PATHS = "/secretsmanager/get?secretId=db /systemsmanager/parameters/get/?name=%2Fapp%2Furl"
PREFETCH = "PARAMETERS_SECRETS_EXTENSION_PREFETCH"


def test_code_that_reads_in_init_joins_the_prefetch(start_emulator: StartEmulator, stub: AwsStub) -> None:
    gate = threading.Event()
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).behind(gate))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url")).behind(gate))
    emulator = start_emulator(
        "reads_in_init.handler",
        stub.url,
        READ_IN_INIT=PATHS,
        **{PREFETCH: "secret:db, parameter:/app/url"},
    )

    with ThreadPoolExecutor(1) as elsewhere:
        invocation = elsewhere.submit(emulator.invoke, {"paths": []})
        emulator.log.wait_for(r" DEBUG joined a fetch in flight key=/secretsmanager/get\?secretId=db\b")
        gate.set()
        replies = invocation.result().json()["in init"]

    assert [status for status, _ in replies] == [200, 200]
    assert count_by_key(stub.calls) == {(GET_SECRET, "db"): 1, (GET_PARAMETER, "/app/url"): 1}


def test_what_was_prefetched_costs_the_function_no_call_and_a_bad_item_is_one_warning(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    emulator = start_emulator(
        "reads.handler", moto.url, **{PREFETCH: "nonsense,/secretsmanager/get?secretId=db,secret:missing"}
    )

    ((status, body),) = emulator.invoke({"paths": ["/secretsmanager/get?secretId=db"]}).json()
    emulator.log.wait_for(r" ERROR GetSecretValue request encountered an error: ResourceNotFoundException")

    assert (status, json.loads(body)["SecretString"]) == (200, value_of("db"))
    assert count_by_key(moto.calls())[GET_SECRET, "db"] == 1
    (warning,) = emulator.log.matches(r"^.* WARN .*$")
    assert "item=nonsense" in warning[0]
