"""The fleets that are compared: environments that each read the same parameters at the same
moment."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NAMES = [f"/app/{number}" for number in range(5)]
TOKEN = "fleet"


@dataclass
class Outcome:
    asked: int
    answered: int
    slowest: float
    """Seconds until the last caller that got a value had it."""


class Extensions:
    """Real processes of the extension, one for each environment."""

    def __init__(self, program: Path, environments: int, store_port: int, batches: bool, ttl: int) -> None:
        self.ports = _free_ports(environments)
        endpoint = f"http://127.0.0.1:{store_port}"
        common = {
            "PATH": os.environ["PATH"],
            "AWS_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "fleet",
            "AWS_SECRET_ACCESS_KEY": "fleet",
            "AWS_SESSION_TOKEN": TOKEN,
            "AWS_ENDPOINT_URL_SSM": endpoint,
            "SSM_PARAMETER_STORE_TTL": str(ttl),
            "PARAMETERS_SECRETS_EXTENSION_TTL_SPREAD_PERCENT": "0",
            "PARAMETERS_SECRETS_EXTENSION_REFRESH_AHEAD": "FALSE",
            "PARAMETERS_SECRETS_EXTENSION_STALE_IF_ERROR_SECONDS": "0",
            "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "NONE",
            "PARAMETERS_SECRETS_EXTENSION_BATCH_PARAMETERS": str(batches).upper(),
        }
        self.processes = [
            subprocess.Popen([program], env={**common, "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT": str(port)})
            for port in self.ports
        ]

    async def ready(self) -> None:
        for port in self.ports:
            while await _get(port, "/ping") != 200:
                await asyncio.sleep(0.05)

    async def read(self) -> Outcome:
        started = time.monotonic()
        paths = [f"/systemsmanager/parameters/get?name={name}" for name in NAMES]
        callers = [_timed(port, path, started) for port in self.ports for path in paths]
        return _outcome(await asyncio.gather(*callers))

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()


async def botocore(environments: int, store_port: int) -> Outcome:
    """What people have today: botocore's standard retries, 3 attempts, the five reads at once."""
    workers = 4
    share = [environments // workers + (number < environments % workers) for number in range(workers)]
    command = [sys.executable, "-m", "fleet.botocore_worker", str(store_port)]
    start = time.time() + 15
    running = [
        await asyncio.create_subprocess_exec(
            *command, str(clients), str(start), stdout=asyncio.subprocess.PIPE
        )
        for clients in share
    ]
    outputs = [(await process.communicate())[0] for process in running]
    times = [float(line) if line != b"-" else None for output in outputs for line in output.split()]
    return _outcome(times)


def _outcome(times: list[float | None]) -> Outcome:
    answered = [seconds for seconds in times if seconds is not None]
    return Outcome(len(times), len(answered), max(answered, default=0.0))


async def _timed(port: int, path: str, started: float) -> float | None:
    status = await _get(port, path)
    return time.monotonic() - started if status == 200 else None


async def _get(port: int, path: str) -> int:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-Aws-Parameters-Secrets-Token: {TOKEN}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        head = await reader.readline()
        await reader.read()
        writer.close()
        return int(head.split()[1])
    except (OSError, IndexError):
        return 0


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports
