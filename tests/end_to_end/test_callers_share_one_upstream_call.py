"""However many ask for a cold key at the same moment: it costs one upstream call, and all are
answered."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from conftest import StartEmulator
from support.aws_answers import GET_PARAMETER, GET_SECRET, not_found
from support.aws_stub import AwsStub
from support.moto_upstream import MotoUpstream
from support.private_words import value_of
from support.upstream_call import count_by_key

SECRET = "/secretsmanager/get?secretId=db"
PARAMETER = "/systemsmanager/parameters/get/?name=%2Fapp%2Furl"


def test_100_threads_for_each_of_a_cold_secret_and_a_cold_parameter_cost_one_call_each(
    start_emulator: StartEmulator, moto: MotoUpstream
) -> None:
    moto.put_secret("db", value_of("db"))
    moto.put_parameter("/app/url", value_of("/app/url"))
    emulator = start_emulator("herd.handler", moto.url)

    replies = emulator.invoke({"paths": [SECRET, PARAMETER], "callers": 100}).json()

    assert Counter((reply["path"], reply["status"]) for reply in replies) == {(SECRET, 200): 100, (PARAMETER, 200): 100}
    assert len({reply["body"] for reply in replies}) == 2
    assert count_by_key(moto.calls()) == {(GET_SECRET, "db"): 1, (GET_PARAMETER, "/app/url"): 1}


def test_100_threads_share_one_failure(start_emulator: StartEmulator, stub: AwsStub) -> None:
    gate = threading.Event()
    stub.lay_down(GET_SECRET, "db", not_found(GET_SECRET).behind(gate))
    emulator = start_emulator("herd.handler", stub.url)

    with ThreadPoolExecutor(1) as elsewhere:
        invocation = elsewhere.submit(emulator.invoke, {"paths": [SECRET], "callers": 100})
        emulator.log.wait_for(r" DEBUG joined a fetch in flight .*\bwaiting=100\b")
        gate.set()
        replies = invocation.result().json()

    assert Counter(reply["status"] for reply in replies) == {400: 100}
    assert all("ResourceNotFoundException" in reply["body"] for reply in replies)
    assert count_by_key(stub.calls) == {(GET_SECRET, "db"): 1}


def test_the_debug_log_shows_which_callers_shared_the_call(start_emulator: StartEmulator, moto: MotoUpstream) -> None:
    moto.put_secret("db", value_of("db"))
    moto.put_parameter("/app/url", value_of("/app/url"))
    emulator = start_emulator("herd.handler", moto.url)

    emulator.invoke({"paths": [SECRET, PARAMETER], "callers": 100})

    for key in (r"/secretsmanager/get\?secretId=db", r"/systemsmanager/parameters/get\?name=/app/url"):
        misses = emulator.log.matches(rf" DEBUG miss key={key}\b")
        joined = emulator.log.matches(rf" DEBUG joined a fetch in flight key={key}\b")
        hits = emulator.log.matches(rf" DEBUG hit key={key}\b")
        (done,) = emulator.log.matches(rf" DEBUG fetch done key={key}\b.* answered=(\d+)")
        assert len(misses) == 1
        assert int(done[1]) == 1 + len(joined)
        assert len(misses) + len(joined) + len(hits) == 100
