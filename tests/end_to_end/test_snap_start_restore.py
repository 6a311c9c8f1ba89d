"""SnapStart makes a snapshot after INIT and restores it later: nothing of INIT may live on."""

import datetime
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support import processes
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import Authority
from support.credentials_endpoint import AUTHORIZATION, CredentialsEndpoint
from support.emulator import Emulator
from support.environment import ENVIRONMENT_CREDENTIALS, settings, upstreams
from support.extension import Extension
from support.fault_proxy import FaultProxy
from support.function import Function, python_function
from support.log_file import LogFile
from support.opt_extensions import BESIDE, CREDENTIALS, INSTALLED, install_extension_without_credentials
from support.private_words import CREDENTIAL_MARK, SESSION_TOKEN, value_of
from support.waiting import eventually
from support.wall_clock import WallClock

# The extension alone is told: the runtime client would wait for a restore that the emulator does
# not play.
SNAP_START = {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
SECRET = "/secretsmanager/get?secretId=db"
OTHER = "/secretsmanager/get?secretId=other"
HOUR = 3600
NEW_SESSION_TOKEN = f"{CREDENTIAL_MARK}-session-token-after-the-restore"


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path)


@pytest.fixture
def nobody_has_credentials(clock: WallClock) -> Iterator[None]:
    install_extension_without_credentials(**clock.environment, **SNAP_START)
    yield
    INSTALLED.unlink()


def test_what_init_read_is_not_served_after_the_restore(
    nobody_has_credentials: None,
    clock: WallClock,
    proxy: FaultProxy,
    stub: AwsStub,
    authority: Authority,
    log: LogFile,
    tmp_path: Path,
) -> None:
    before, after = (secret("db", value_of(when)) for when in ("before", "after"))
    stub.lay_down(GET_SECRET, "db", before, before, after)
    gate = tmp_path / "gate"
    environment = environment_of_init(proxy, authority, gate, READ_IN_INIT=SECRET)

    with (
        Emulator(function("snap_start_init.handler"), environment, log, ("--enable-init-caching",)) as emulator,
        ThreadPoolExecutor(1) as caller,
    ):
        invocation = caller.submit(emulator.invoke)
        eventually(gate.with_suffix(".reached").exists, "INIT code has read")
        restore(clock, proxy)
        gate.touch()
        outcome = invocation.result().json()

    assert [status for reads in outcome.values() for status, _ in reads] == [200] * 4
    assert all(value_of("before") in body for _, body in outcome["in init"])
    assert all(value_of("after") in body for _, body in outcome["in the handler"])
    assert "INVOKE" in log.text()


def test_a_call_that_died_with_the_snapshot_is_made_again_and_holds_no_permit_back(
    nobody_has_credentials: None,
    clock: WallClock,
    proxy: FaultProxy,
    stub: AwsStub,
    authority: Authority,
    log: LogFile,
    tmp_path: Path,
) -> None:
    after = secret("db", value_of("after"))
    stub.lay_down(GET_SECRET, "db", after.hanging(), after)
    stub.lay_down(GET_SECRET, "other", secret("other", value_of("other")))
    gate = tmp_path / "gate"
    environment = environment_of_init(
        proxy, authority, gate,
        ASKED_IN_INIT=SECRET, ASKED_IN_THE_HANDLER=OTHER, PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS="1",
    )  # fmt: skip

    with (
        Emulator(function("snap_start_waits.handler"), environment, log, ("--enable-init-caching",)) as emulator,
        ThreadPoolExecutor(1) as caller,
    ):
        invocation = caller.submit(emulator.invoke)
        eventually(lambda: len(stub.calls) == 1, "INIT's call is open")
        restore(clock, proxy)
        gate.touch()
        began = time.monotonic()
        outcome = invocation.result().json()
        took = time.monotonic() - began

    assert [outcome[when][0] for when in ("in init", "in the handler")] == [200, 200]
    assert value_of("after") in outcome["in init"][1]
    assert value_of("other") in outcome["in the handler"][1]
    assert sorted(call.key for call in stub.calls) == ["db", "db", "other"]
    assert took < 5, "a dead call would hold the only permit for 10 s"


def test_after_the_restore_tokens_credentials_and_connections_are_the_current_ones(
    clock: WallClock, proxy: FaultProxy, stub: AwsStub, authority: Authority, log: LogFile
) -> None:
    for key in ("db", "other"):
        stub.lay_down(GET_SECRET, key, secret(key, value_of(key)))

    with CredentialsEndpoint(SESSION_TOKEN) as endpoint:
        endpoint.lifetime = datetime.timedelta(hours=12)
        environment = settings(
            **upstreams(proxy.url), **endpoint.environment, **clock.environment, AWS_CA_BUNDLE=str(authority.bundle)
        )
        with Extension(environment, log) as extension:
            assert extension.get(SECRET).status == 200
            extension.signal(signal.SIGSTOP)
            endpoint.session_token = NEW_SESSION_TOKEN
            clock.step(HOUR)
            assert proxy.silence_all() >= 1
            extension.signal(signal.SIGCONT)

            began = time.monotonic()
            fetched = extension.get(OTHER, NEW_SESSION_TOKEN)
            took = time.monotonic() - began
            by_authorization = extension.get(OTHER, AUTHORIZATION)
            by_the_old_token = extension.get(OTHER, SESSION_TOKEN)

    # The old token's credentials have not expired.
    assert (fetched.status, by_authorization.status, by_the_old_token.status) == (200, 200, 200)
    assert [call.session_token for call in stub.calls] == [SESSION_TOKEN, NEW_SESSION_TOKEN]
    assert took < 5, "a request that met a dead connection would wait for it for 10 s"


def function(handler: str) -> Function:
    return python_function(handler).without(CREDENTIALS.split())


def environment_of_init(proxy: FaultProxy, authority: Authority, gate: Path, **more: str) -> dict[str, str]:
    return settings(
        **upstreams(proxy.url), **ENVIRONMENT_CREDENTIALS,
        AWS_CA_BUNDLE=str(authority.bundle), GATE=str(gate), **more,
    )  # fmt: skip


def restore(clock: WallClock, proxy: FaultProxy) -> None:
    """Plays snapshot and restore: time has passed, well within the TTL, and no connection is
    alive."""
    extension = processes.find(BESIDE.name)
    extension.signal(signal.SIGSTOP)
    eventually(extension.is_stopped, "the snapshot is made")
    clock.step(60)
    assert proxy.silence_all() >= 1
    extension.signal(signal.SIGCONT)
