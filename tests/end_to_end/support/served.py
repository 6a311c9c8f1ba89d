"""A server in a thread, for as long as a test needs it."""

import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Served:
    """Serves from its making on, so a class makes it last, and until its `with` ends."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self._closing = threading.Event()
        """Set at the end: no answer is held back any longer."""
        self.port: int = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
