"""A freeze that comes while a call is open, and lasts longer than every time-out: no caller pays
for it."""

import signal
import threading
import time

import pytest
from conftest import StartExtension
from support import processes
from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.extension import Extension
from support.fault_proxy import FaultProxy, Mode
from support.private_words import value_of
from support.project import NAME
from support.reply import Reply
from support.waiting import eventually

SECRET = "/secretsmanager/get?secretId=db"
TIME_OUT = "1500"
FROZEN_FOR = 3.0


class Caller(threading.Thread):
    """Reads once, and has the reply when joined."""

    def __init__(self, extension: Extension) -> None:
        super().__init__(daemon=True)
        self._extension = extension
        self.reply: Reply | None = None
        self.start()

    def run(self) -> None:
        self.reply = self._extension.get(SECRET)

    def answer(self) -> Reply:
        self.join(20)
        assert self.reply is not None
        return self.reply


def freeze_while_the_call_is_open(stub: AwsStub, proxy: FaultProxy, cut: bool) -> None:
    eventually(lambda: len(stub.calls) == 1, "the call has left")
    extension = processes.find(NAME)
    extension.signal(signal.SIGSTOP)
    eventually(extension.is_stopped, "the extension is frozen")
    time.sleep(FROZEN_FOR)
    if cut:
        assert proxy.cut_all() >= 1
    extension.signal(signal.SIGCONT)


@pytest.mark.parametrize("cut", [False, True], ids=["silent connections", "cut connections"])
def test_a_call_without_an_answer_is_made_again(
    start_extension: StartExtension, stub: AwsStub, proxy: FaultProxy, cut: bool
) -> None:
    value = secret("db", value_of("db"))
    stub.lay_down(GET_SECRET, "db", value.hanging(), value)
    extension = start_extension(proxy.url, SECRETS_MANAGER_TIMEOUT_MILLIS=TIME_OUT)
    caller = Caller(extension)

    freeze_while_the_call_is_open(stub, proxy, cut)

    assert caller.answer().status == 200
    # The SDK replaces a connection that was reset in 50 ms at most, and its attempt may have left
    # before.
    assert 2 <= len(stub.calls) <= (3 if cut else 2)
    assert not extension.log.matches(r" (ERROR|WARN) ")


def test_an_answer_that_lies_in_the_socket_is_taken(
    start_extension: StartExtension, stub: AwsStub, proxy: FaultProxy
) -> None:
    stub.lay_down(GET_SECRET, "db", secret("db", value_of("db")).taking(0.5))
    extension = start_extension(proxy.url, SECRETS_MANAGER_TIMEOUT_MILLIS=TIME_OUT)
    caller = Caller(extension)

    freeze_while_the_call_is_open(stub, proxy, cut=False)

    assert caller.answer().status == 200
    assert len(stub.calls) == 1
    assert not extension.log.matches(r" (ERROR|WARN) ")


def test_a_function_without_a_route_is_told_in_time(start_extension: StartExtension, proxy: FaultProxy) -> None:
    """Within Lambda's default time-out of 3 s, and what to do about it."""
    proxy.mode = Mode.BLACK_HOLE
    extension = start_extension(proxy.url)

    asked_at = time.monotonic()
    reply = extension.get(SECRET)

    assert time.monotonic() - asked_at < 2.7
    assert (reply.status, reply.error_type) == (400, "RequestTimeout")
    assert "VPC endpoint" in reply.text
