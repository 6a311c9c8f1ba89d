"""A TCP proxy that stands between the extension and an upstream, and spoils the connections on demand.

TLS passes through untouched. It runs on an event loop in a thread of its own.
"""

import asyncio
import enum
import socket
import struct
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from support.gauge import Gauge
from support.held_port import HeldPort

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Mode(enum.Enum):
    PASS = "hand on what comes"
    RESET = "reset every connection as soon as it is made"
    BLACK_HOLE = "accept, and never say a word"
    CUT_REPLIES = "hand on half of what the upstream says, then reset"
    HOLD = "accept, and hand on nothing until `let_go`"


class FaultProxy:
    def __init__(self, upstream_port: int) -> None:
        self.mode = Mode.PASS
        self.upstream_port = upstream_port
        """Where connections lead that are made from now on."""
        self.connections = Gauge()
        self._live: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._held = HeldPort()
        self._fillers: list[socket.socket] = []
        self._let_go = asyncio.Event()
        self._server: asyncio.Server = self._in_loop(self._listen())
        self.port = self._held.number
        self.url = f"https://127.0.0.1:{self.port}"

    def cut_all(self) -> int:
        """Resets every live connection, and says how many there were."""
        cut: int = self._in_loop(self._cut_all())
        return cut

    def silence_all(self) -> int:
        """Lets every live connection stay open and hand on nothing more, and says how many there were."""
        self._silent.update(self._live)
        return len(self._silent)

    def refuse(self) -> None:
        """New connections are refused from now on."""
        self._in_loop(self._close_listener())

    def leave_unanswered(self) -> None:
        """New connections are neither accepted nor refused from now on, as without a route."""
        self._in_loop(self._close_listener())
        # Clients that the kernel has no room for are not answered.
        self._fillers.append(self._held.listen(backlog=0))
        for _ in range(2):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def accept_again(self) -> None:
        while self._fillers:
            self._fillers.pop().close()
        self._server = self._in_loop(self._listen())

    def let_go(self) -> None:
        """What was held back is handed on."""
        self._loop.call_soon_threadsafe(self._let_go.set)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, sock=self._held.listen())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve_until_the_end(reader, writer)
        except asyncio.CancelledError:
            pass  # the end of the proxy; what began this task takes that for an error

    async def _serve_until_the_end(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.RESET:
            reset(writer)
            return
        self._live.add(writer)
        with self.connections.counted():
            try:
                await self._connect_through(reader, writer)
            except* OSError:
                pass  # one side has gone: so does the other
            finally:
                self._live.discard(writer)
                writer.close()

    async def _connect_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode is Mode.BLACK_HOLE:
            while await reader.read(65536):
                pass
            return
        if self.mode is Mode.HOLD:
            await self._let_go.wait()
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        try:
            async with asyncio.TaskGroup() as both_ways:
                upwards = both_ways.create_task(self._hand_up(reader, upstream_writer, writer))
                await self._hand_down(upstream_reader, writer)
                upwards.cancel()
        finally:
            upstream_writer.close()

    async def _hand_up(
        self, reader: asyncio.StreamReader, upstream: asyncio.StreamWriter, client: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(65536):
            if client in self._silent:
                continue
            upstream.write(data)
            await upstream.drain()
        if upstream.can_write_eof():
            upstream.write_eof()

    async def _hand_down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.mode is Mode.CUT_REPLIES:
                writer.write(data[: len(data) // 2])
                reset(writer)
                return
            writer.write(data)
            await writer.drain()

    async def _cut_all(self) -> int:
        live = list(self._live)
        for writer in live:
            reset(writer)
        return len(live)

    async def _close_listener(self) -> None:
        self._server.close()

    async def _end(self) -> None:
        await self._close_listener()
        # A connection that came just before the listener closed begins a task yet.
        while serving := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in serving:
                task.cancel()
            await asyncio.gather(*serving, return_exceptions=True)

    def _in_loop(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._in_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for part in (*self._fillers, self._held):
            part.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection as a network that has forgotten it does: with RST."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
