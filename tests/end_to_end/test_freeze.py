"""Between invocations Lambda freezes the environment; upstream connections die meanwhile."""

import signal

from conftest import StartEmulator
from support import processes
from support.aws_answers import GET_PARAMETER, GET_SECRET, parameter, secret
from support.aws_stub import AwsStub
from support.fault_proxy import FaultProxy
from support.private_words import value_of
from support.project import NAME
from support.waiting import eventually

CACHED = "/secretsmanager/get?secretId=db"
COLD = "/secretsmanager/get?secretId=other"
COLD_PARAMETER = "/systemsmanager/parameters/get/?name=%2Fapp%2Furl"


def test_after_a_freeze_with_all_connections_lost_cached_and_cold_keys_are_served(
    start_emulator: StartEmulator, stub: AwsStub, proxy: FaultProxy
) -> None:
    for key in ("db", "other"):
        stub.lay_down(GET_SECRET, key, secret(key, value_of(key)))
    stub.lay_down(GET_PARAMETER, "/app/url", parameter("/app/url", value_of("/app/url")))
    emulator = start_emulator("reads.handler", proxy.url)
    ((before, _),) = emulator.invoke({"paths": [CACHED]}).json()
    extension = processes.find(NAME)

    extension.signal(signal.SIGSTOP)
    eventually(extension.is_stopped, "the extension is frozen")
    assert proxy.cut_all() >= 1
    extension.signal(signal.SIGCONT)
    after = emulator.invoke({"paths": [CACHED, COLD, COLD_PARAMETER]}).json()

    assert before == 200
    assert [status for status, _ in after] == [200, 200, 200]
    assert [call.key for call in stub.calls] == ["db", "other", "/app/url"]
