"""A proxy that must stay unused: the environment names it as the way out, and it counts the
requests that take it."""

import socket
import threading
from types import TracebackType
from typing import Self


class ProxyTrap:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.heads: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def environment(self) -> dict[str, str]:
        """What makes a client take the proxy if it takes any, localhost included."""
        url = f"http://127.0.0.1:{self.port}"
        names = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
        java = f"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={self.port} -Dhttp.nonProxyHosts="
        return {
            **{name: url for upper in names for name in (upper, upper.lower())},
            "NODE_USE_ENV_PROXY": "1",
            "JAVA_TOOL_OPTIONS": java,
        }

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(5)
                self.heads.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # `shutdown` wakes the thread, which `close` alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
