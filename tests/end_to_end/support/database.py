"""A database as a function sees it: a web service that knows one user and one password at a
time."""

import base64
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from support.served import Served

USER = "app"
ANSWER = "42 rows"


class Database(Served):
    def __init__(self, password: str) -> None:
        self.password = password
        self.refused_logins = 0
        self._lock = threading.Lock()
        super().__init__(DatabaseServer(self))
        self.url = f"http://127.0.0.1:{self.port}/"

    def admits(self, authorization: str) -> bool:
        word = base64.b64encode(f"{USER}:{self.password}".encode()).decode()
        admitted = authorization == f"Basic {word}"
        with self._lock:
            self.refused_logins += not admitted
        return admitted


class DatabaseServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, database: Database) -> None:
        self.database = database
        super().__init__(("127.0.0.1", 0), DatabaseHandler)


class DatabaseHandler(BaseHTTPRequestHandler):
    server: DatabaseServer

    def do_GET(self) -> None:
        admitted = self.server.database.admits(self.headers["Authorization"])
        body = ANSWER.encode() if admitted else b""
        self.send_response(200 if admitted else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """What counts is in `Database`."""
