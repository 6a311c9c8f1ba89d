"""A loopback port that stays ours while nothing listens on it.

A port that is picked, released and bound again later may be another socket's by then, even that of
an outgoing connection.
"""

import socket


class HeldPort:
    """Bound until it is closed. A client that connects is refused unless `listen` has been
    called."""

    def __init__(self) -> None:
        self._holder = reusable_socket()
        self._holder.bind(("127.0.0.1", 0))
        self.number: int = self._holder.getsockname()[1]

    def listen(self, backlog: int = 512) -> socket.socket:
        """A socket that accepts on the port until it is closed. There can be one at a time."""
        listener = reusable_socket()
        listener.bind(("127.0.0.1", self.number))
        listener.listen(backlog)
        return listener

    def close(self) -> None:
        self._holder.close()


def reusable_socket() -> socket.socket:
    """One that may share its port with a socket that does not listen."""
    new = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return new
