"""Callers that ask at the same moment, and the count of the answers that each of them got."""

import asyncio
import time
from dataclasses import dataclass, field

from support.environment import PORT, TOKEN_HEADER

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ENOUGH_TO_TELL = 4096
"""Bytes of a body that are kept: the value stands near its beginning."""


@dataclass
class Got:
    """What one caller got for its one request."""

    answers: int = 0
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    beginning: bytes = b""
    length: int = 0
    seconds: float = 0.0

    @property
    def is_stale(self) -> bool:
        return self.headers.get("warning") == '110 - "Response is Stale"' and "age" in self.headers


async def ask_together(path: str, callers: int, token: str, give_up_after: float) -> list[Got]:
    """Each asks on a connection of its own, once all are open. A caller whose answer does not come
    has none."""
    connections = [await asyncio.open_connection("127.0.0.1", PORT) for _ in range(callers)]
    return await asyncio.gather(*(ask(connection, path, token, give_up_after) for connection in connections))


async def ask(connection: Connection, path: str, token: str, give_up_after: float) -> Got:
    got = Got()
    reader, writer = connection
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{TOKEN_HEADER}: {token}\r\nConnection: close\r\n\r\n"
    started = time.monotonic()
    try:
        async with asyncio.timeout(give_up_after):
            writer.write(head.encode())
            await read_answer(reader, got)
            got.seconds = time.monotonic() - started
            if await reader.read(1):
                got.answers += 1  # until the end of the connection, so that an answer too many is seen
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        got.seconds = time.monotonic() - started
    finally:
        writer.close()
    return got


async def read_answer(reader: asyncio.StreamReader, got: Got) -> None:
    status_line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
    got.status = int(status_line.split()[1])
    got.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    got.length = left = int(got.headers["content-length"])
    while left:
        piece = await reader.read(min(left, 1 << 18))
        if not piece:
            return  # half an answer is none
        got.beginning += piece[: ENOUGH_TO_TELL - len(got.beginning)]
        left -= len(piece)
    got.answers = 1
