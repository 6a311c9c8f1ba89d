"""An upstream that answers as AWS does where moto does not, and that a test can make fail as AWS does.

It is asked for `GetSecretValue` and `GetParameter` over TLS, answers what a test has laid down for the key,
and counts calls, calls at the same time, and connections.
"""

import io
import json
import os
import socket
import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from support.aws_answers import Answer, Ending, not_found
from support.certificates import Authority
from support.fault_proxy import RESET_ON_CLOSE
from support.gauge import Gauge
from support.served import Served
from support.upstream_call import UpstreamCall, call_from


class AwsStub(Served):
    def __init__(self, authority: Authority) -> None:
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self._lock = threading.Lock()
        self.calls: list[UpstreamCall] = []
        self.in_flight = Gauge()
        self.connections = Gauge()
        super().__init__(StubServer(self, authority))
        self.url = f"https://127.0.0.1:{self.port}"

    def lay_down(self, operation: str, key: str, *answers: Answer) -> None:
        """Says what is answered for a key, call by call; the last answer is given ever after."""
        self._answers[operation, key] = list(answers)

    def next_answer(self, call: UpstreamCall) -> Answer:
        with self._lock:
            self.calls.append(call)
            answers = self._answers.get((call.operation, call.key))
            if answers is None:
                return not_found(call.operation)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def hold_back(self, answer: Answer) -> None:
        """Takes as long as the answer wants to take; a hanging one until the stub closes."""
        if answer.gate is not None:
            answer.gate.wait()
        self.pause(None if answer.hangs else answer.seconds)

    def pause(self, seconds: float | None) -> None:
        """So long, or until the stub closes."""
        self._closing.wait(seconds)


class StubServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, stub: AwsStub, authority: Authority) -> None:
        self.stub = stub
        super().__init__(("127.0.0.1", 0), StubHandler)
        # The handshake happens with the first read, in the connection's own thread: one that never
        # comes does not keep others from being accepted.
        self.socket = authority.server_context().wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up or does not trust us is what some tests are about."""


class StubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StubServer

    def handle(self) -> None:
        with self.server.stub.connections.counted():
            super().handle()

    def do_POST(self) -> None:
        stub = self.server.stub
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with stub.in_flight.counted():
            answer = stub.next_answer(call_from(headers, json.loads(body)))
            stub.hold_back(answer)
        self.deliver(answer)

    def deliver(self, answer: Answer) -> None:
        reply = self.reply(answer)
        for piece, pause in pieces(reply[: int(len(reply) * answer.share)], answer):
            self.connection.sendall(piece)
            self.server.stub.pause(pause)
            if answer.second_half is not None:
                answer.second_half.wait()
        match answer.ending:
            case Ending.KEEP:
                pass
            case Ending.CUT:
                self.reset()
            case Ending.SILENCE:
                self.server.stub.pause(None)

    def reply(self, answer: Answer) -> bytes:
        """The whole of it, as it goes over the wire."""
        if not answer.is_http:
            return answer.body
        self.wfile = io.BytesIO()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        return self.wfile.getvalue() + answer.body

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        os.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, format: str, *arguments: Any) -> None:
        """The calls are in `AwsStub.calls`."""


def pieces(reply: bytes, answer: Answer) -> Iterable[tuple[bytes, float]]:
    """What is sent at once, and how long nothing is sent after it."""
    if answer.second_half is not None:
        middle = len(reply) // 2
        return [(reply[:middle], 0.0), (reply[middle:], 0.0)]
    if answer.trickles_for:
        pause = answer.trickles_for / len(reply)
        return [(reply[at : at + 1], pause) for at in range(len(reply))]
    return [(reply, 0.0)]
