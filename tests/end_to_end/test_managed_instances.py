"""On Lambda Managed Instances no INVOKE comes, and several invocations run at once in one
environment."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support import managed_instance
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.emulator import Emulator
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.log_file import LogFile
from support.opt_extensions import install_extension
from support.private_words import value_of
from support.waiting import eventually

INVOCATIONS = 4


@pytest.fixture
def real_root() -> None:
    if not managed_instance.is_real_root():
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("the emulator changes to another user for this, and only real root can: run it as root")


def test_invocations_at_once_share_one_upstream_call(
    real_root: None, authority: Authority, stub: AwsStub, log: LogFile
) -> None:
    gate = threading.Event()
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).behind(gate))
    install_extension()
    function = managed_instance.put_in_place("reads.handler", authority)
    environment = settings(
        **upstreams(stub.url),
        **ENVIRONMENT_CREDENTIALS,
        **managed_instance.CONCURRENCY,
        AWS_CA_BUNDLE=str(managed_instance.BUNDLE),
    )

    with (
        Emulator(function, environment, log) as emulator,
        ThreadPoolExecutor(INVOCATIONS) as callers,
    ):
        invocations = [callers.submit(read_the_secret, emulator) for _ in range(INVOCATIONS)]
        log.wait_for(rf'"message":"joined a fetch in flight",.*"waiting":{INVOCATIONS}\b')
        gate.set()
        replies = [invocation.result() for invocation in invocations]
        exit_code = emulator.stop()

    assert [status for ((status, _),) in replies] == [200] * INVOCATIONS
    assert len(stub.calls) == 1
    assert '"events":"ShutdownOnly"' in log.text(), "INVOKE may not be asked for here"
    assert '"message":"INVOKE"' not in log.text(), "and none came, so that nothing can have waited for it"
    assert exit_code == 0


def read_the_secret(emulator: Emulator) -> Any:
    """An invocation is turned away as long as no process of the function is ready for it."""

    def invoke() -> Any:
        reply = emulator.invoke({"paths": ["/secretsmanager/get?secretId=db"]})
        return None if "Runtime.Unavailable" in reply.text else reply.json()

    return eventually(invoke, "a process of the function is ready")
