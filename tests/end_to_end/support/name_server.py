"""A name server that knows one name: a resolver without a configuration asks 127.0.0.1, port 53."""

import socket
import struct
import threading
from types import TracebackType
from typing import Self

A = 1
ANSWER_FOLLOWS = 0x8580
NO_DATA = 0
NO_SUCH_NAME = 3


class NameServer:
    def __init__(self, name: str, address: str) -> None:
        self._question = b"".join(bytes([len(label)]) + label for label in name.encode().split(b".")) + b"\0"
        self._address = socket.inet_aton(address)
        self.is_silent = False
        """Whether it answers no question."""
        self.knows_it = True
        """Otherwise the name is one that does not exist."""
        self.denies_ipv6 = False
        """Whether it says so of everything but the name's IPv4 address, which is wrong."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._socket.settimeout(0.05)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                query, client = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            if not self.is_silent:
                self._socket.sendto(self._answer(query), client)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(b"\0", 12) + 1 + 4  # behind the name, its type and its class
        question = query[12:end]
        (kind,) = struct.unpack("!H", question[-4:-2])
        known = question[:-4] == self._question and kind == A and self.knows_it
        denied = not (self.knows_it and (known or not self.denies_ipv6))
        flags = ANSWER_FOLLOWS | NO_SUCH_NAME if denied else ANSWER_FOLLOWS
        header = query[:2] + struct.pack("!HHHHH", flags, 1, int(known), NO_DATA, NO_DATA)
        record = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + self._address
        return header + question + (record if known else b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # The address is free for the next one only when no thread waits for it any more.
        self._closing.set()
        self._thread.join()
        self._socket.close()
