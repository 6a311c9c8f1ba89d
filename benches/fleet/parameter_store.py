"""Parameter Store with its default quota: a token bucket of 40 calls a second, and no other
fault."""

import asyncio
import json
import time

CALLS_PER_SECOND = 40.0
ROUND_TRIP = 0.02
"""How long a call takes."""

THROTTLED = json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}).encode()


class ParameterStore:
    """Serves GetParameter and GetParameters over plain HTTP, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.throttled = 0
        self._tokens = CALLS_PER_SECOND
        self._at = time.monotonic()

    async def start(self) -> int:
        """The port."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", 0, backlog=4096)
        return self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.close()

    def refill(self) -> None:
        """As after a time without calls; counts from zero."""
        self.calls = self.throttled = 0
        self._tokens, self._at = CALLS_PER_SECOND, time.monotonic()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = int(head.split("content-length:")[1].split("\r\n")[0])
                question = json.loads(await reader.readexactly(length))
                status, body = self._answer(question)
                await asyncio.sleep(ROUND_TRIP)
                writer.write(
                    b"HTTP/1.1 %d x\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: %d\r\n\r\n"
                    % (status, len(body))
                    + body
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _answer(self, question: dict) -> tuple[int, bytes]:
        self.calls += 1
        now = time.monotonic()
        self._tokens = min(CALLS_PER_SECOND, self._tokens + (now - self._at) * CALLS_PER_SECOND)
        self._at = now
        if self._tokens < 1:
            self.throttled += 1
            return 400, THROTTLED
        self._tokens -= 1
        if "Names" in question:
            parameters = [_parameter(name) for name in question["Names"]]
            return 200, json.dumps({"Parameters": parameters, "InvalidParameters": []}).encode()
        return 200, json.dumps({"Parameter": _parameter(question["Name"])}).encode()


def _parameter(name: str) -> dict:
    return {
        "ARN": f"arn:aws:ssm:eu-west-1:111122223333:parameter{name}",
        "DataType": "text",
        "LastModifiedDate": 1700000000.5,
        "Name": name,
        "Type": "String",
        "Value": f"value of {name}",
        "Version": 1,
    }
