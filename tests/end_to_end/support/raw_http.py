"""Requests and replies as the bytes that they are, past any HTTP library."""

import re
import socket

from support.environment import PORT

DATE = re.compile(rb"^Date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT$")


def exchange(request: bytes) -> tuple[bytes, list[bytes], bytes]:
    """Sends the bytes, then says nothing more; returns the status line, the sorted header lines,
    and the body.

    A well-formed `Date`, the only line that differs from run to run, is returned as `Date: <now>`.
    """
    with socket.create_connection(("127.0.0.1", PORT), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    return status, sorted(DATE.sub(b"Date: <now>", line) for line in headers), body
