"""How soon a function can start beside the extension, measured beside programs that do as little as
can be.

Run by `make bench-start`, which writes docs/startup.md with what this prints. Programs take turns,
round by round, so that whatever else the machine does hits all of them. Absolute times hold for one
machine; compare within one run.
"""

import argparse
import json
import os
import platform
import selectors
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.aws_answers import GET_SECRET, secret
from support.aws_stub import AwsStub
from support.certificates import make_authority
from support.environment import ENVIRONMENT_CREDENTIALS, TOKEN_HEADER, settings, upstreams
from support.private_words import SESSION_TOKEN

ROUNDS = 25
INVOCATIONS = 20
EXTENSION = "the extension"
GO = "Go net/http listener"
ACTIX = "bare actix-web listener"

# What a function with 128 MB gets of one CPU.
PERIOD_US = 20_000
QUOTA_US = 1_400

REGISTERED = (
    b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: 11111111-2222-3333-4444-555555555555\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


@dataclass
class Figures:
    """What was found in all rounds, in milliseconds or megabytes."""

    found: dict[str, list[float]] = field(default_factory=dict)

    def add(self, program: str, value: float) -> None:
        self.found.setdefault(program, []).append(value)

    def median(self, program: str) -> float:
        return statistics.median(self.found[program])

    def best(self, program: str) -> float:
        return sorted(self.found[program])[len(self.found[program]) // 10]

    def cells(self, program: str) -> str:
        if program not in self.found:
            return "–"
        return f"{self.best(program):.1f} / {self.median(program):.1f}"


INVOKE = json.dumps(
    {
        "eventType": "INVOKE",
        "deadlineMs": 4_102_444_800_000,
        "requestId": "3da1f2dc-3222-475e-9205-e2e6c6318895",
        "invokedFunctionArn": "arn:aws:lambda:eu-central-1:123456789012:function:measured",
        "tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1-5f35ae12-0c0fec141ab77a00bc047aa2"},
    }
).encode()
EVENT = (
    b"HTTP/1.1 200 OK\r\nLambda-Extension-Event-Identifier: 99999999-2222-3333-4444-555555555555\r\n"
    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(INVOKE), INVOKE)
)


class ExtensionsApi:
    """Takes one program's registration, and lets it wait for its events."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=16)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        self._asking: socket.socket | None = None

    def registered(self) -> int:
        """Waits for the register request, and returns when it came."""
        connection, _ = self._listener.accept()
        connection.recv(65536)
        at = time.perf_counter_ns()
        connection.sendall(REGISTERED)
        self._open.append(connection)
        return at

    def invoked(self) -> float:
        """Sends an INVOKE, and gives the time until the program asks for the next event, in
        milliseconds."""
        asking, _ = self._next_request()
        began = time.perf_counter_ns()
        asking.sendall(EVENT)
        self._asking, at = self._next_request()
        return milliseconds(at - began)

    def _next_request(self) -> tuple[socket.socket, int]:
        """Which extensions have asked for an event, and when: over a connection that is open, or
        over a new one."""
        if self._asking:
            asking, self._asking = self._asking, None
            return asking, 0
        with selectors.DefaultSelector() as selector:
            for each in (self._listener, *self._open):
                selector.register(each, selectors.EVENT_READ)
            while True:
                for ready, _ in selector.select():
                    one = ready.fileobj
                    if one is self._listener:
                        connection, _ = self._listener.accept()
                        self._open.append(connection)
                        selector.register(connection, selectors.EVENT_READ)
                    elif isinstance(one, socket.socket):
                        if one.recv(65536):
                            return one, time.perf_counter_ns()
                        selector.unregister(one)
                        self._open.remove(one)

    def forget(self) -> None:
        self._asking = None
        for connection in self._open:
            connection.close()
        self._open.clear()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("extension", "go", "actix"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--zip", type=Path, required=True)
    options = parser.parse_args()
    programs = {EXTENSION: options.extension, GO: options.go, ACTIX: options.actix}

    with tempfile.TemporaryDirectory() as folder:
        authority = make_authority(Path(folder) / "authority", "Start-up authority")
        with AwsStub(authority) as upstream:
            upstream.lay_down(GET_SECRET, "db", secret("db", "a value"))
            bench = Bench(upstream.url, str(authority.bundle))
            warm, cold, memory = Figures(), Figures(), Figures()
            secret_wall, secret_cpu, throttled = Figures(), Figures(), Figures()
            invocation, memory_with_secret = Figures(), Figures()
            for _ in range(ROUNDS):
                for name, program in programs.items():
                    warm.add(name, bench.until_registered(program))
                    evict(program)
                    cold.add(name, bench.until_registered(program))
                    memory.add(name, bench.idle_memory(program))
                wall, cpu, resident = bench.until_first_secret(options.extension)
                secret_wall.add(EXTENSION, wall)
                secret_cpu.add(EXTENSION, cpu)
                memory_with_secret.add(EXTENSION, resident)
                invocation.add(EXTENSION, bench.each_invocation(options.extension))
                with throttled_group() as group:
                    if group:
                        throttled.add(EXTENSION, bench.until_first_secret(options.extension, group)[0])
    report(programs, warm, cold, memory, secret_wall, secret_cpu, throttled)
    four_rows(options.zip, options.extension, warm, cold, invocation, memory, memory_with_secret)


class Bench:
    def __init__(self, upstream: str, bundle: str) -> None:
        self._api = ExtensionsApi()
        self._upstream = upstream
        self._bundle = bundle

    def until_registered(self, program: Path) -> float:
        with self._started(program) as (_, began, registered):
            return milliseconds(registered - began)

    def idle_memory(self, program: Path) -> float:
        with self._started(program) as (pid, _, _):
            time.sleep(0.15)
            return resident_memory(pid)

    def each_invocation(self, program: Path) -> float:
        """From an INVOKE event to the extension's being ready for the next one; the median of
        some."""
        with self._started(program):
            return statistics.median(self._api.invoked() for _ in range(INVOCATIONS))

    def until_first_secret(self, program: Path, group: Path | None = None) -> tuple[float, float, float]:
        """From exec to the first value in a client's hands; the CPU and the memory of the process
        by then."""
        with self._started(program, group) as (pid, began, _):
            ask_for_the_secret(self._port)
            took = milliseconds(time.perf_counter_ns() - began)
            cpu = sum(cpu_of(thread) for thread in Path(f"/proc/{pid}/task").iterdir())
            return took, milliseconds(cpu), resident_memory(pid)

    @contextmanager
    def _started(self, program: Path, group: Path | None = None) -> Iterator[tuple[int, int, int]]:
        self._port = free_port()
        environment = settings(
            **upstreams(self._upstream), **ENVIRONMENT_CREDENTIALS,
            AWS_CA_BUNDLE=self._bundle, AWS_LAMBDA_RUNTIME_API=self._api.address,
            PARAMETERS_SECRETS_EXTENSION_HTTP_PORT=str(self._port), PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL="NONE",
        )  # fmt: skip
        pid, began = start(program, environment, group)
        try:
            yield pid, began, self._api.registered()
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            self._api.forget()


def start(program: Path, environment: dict[str, str], group: Path | None) -> tuple[int, int]:
    if group is None:
        began = time.perf_counter_ns()
        return os.posix_spawn(program, [str(program)], environment), began
    # Enters its group first; what it does of Python's before exec is a few hundred microseconds.
    go, let_go = os.pipe()
    pid = os.fork()
    if pid == 0:
        (group / "cgroup.procs").write_text(str(os.getpid()))
        os.read(go, 1)
        os.execve(program, [str(program)], environment)
    time.sleep(0.1)  # so that it has its whole quota when it begins
    began = time.perf_counter_ns()
    os.write(let_go, b"!")
    os.close(go)
    os.close(let_go)
    return pid, began


def ask_for_the_secret(port: int) -> None:
    request = f"GET /secretsmanager/get?secretId=db HTTP/1.1\r\nHost: localhost\r\n{TOKEN_HEADER}: {SESSION_TOKEN}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request.encode())
        reply = connection.recv(65536)
    if b" 200 " not in reply.split(b"\r\n", 1)[0]:
        raise SystemExit(f"benches/start: no secret came: {reply!r}")


def resident_memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1000


def cpu_of(thread: Path) -> int:
    return int((thread / "schedstat").read_text().split()[0])


def evict(program: Path) -> None:
    """Out of the page cache, as in a fresh environment. What is not on the disk yet cannot be
    evicted."""
    with program.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@contextmanager
def throttled_group() -> Iterator[Path | None]:
    """A control group with a 128 MB function's share of a CPU; None where this machine lets us make
    none."""
    for root, limits in (
        (Path("/sys/fs/cgroup/cpu"), {"cpu.cfs_period_us": PERIOD_US, "cpu.cfs_quota_us": QUOTA_US}),
        (Path("/sys/fs/cgroup"), {"cpu.max": f"{QUOTA_US} {PERIOD_US}"}),
    ):
        group = root / f"bench-start-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for name, value in limits.items():
                (group / name).write_text(str(value))
            yield group
            return
        except OSError:
            continue
        finally:
            remove(group)
    yield None


def remove(group: Path) -> None:
    for _ in range(100):  # the kernel needs a moment after the last process has gone
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def milliseconds(nanoseconds: int) -> float:
    return nanoseconds / 1e6


def report(
    programs: dict[str, Path],
    warm: Figures,
    cold: Figures,
    memory: Figures,
    secret_wall: Figures,
    secret_cpu: Figures,
    throttled: Figures,
) -> None:
    print("# How soon a function can start\n")
    print("Written by `make bench-start`. Lambda starts a function when its extensions have registered.\n")
    print(f"{ROUNDS} rounds in turns on {os.cpu_count()} CPUs ({platform.machine()}), best tenth / median.")
    print("Milliseconds from exec, megabytes of resident memory. Compare within the table: times are this")
    print("machine's.\n")
    print(f"| | {' | '.join(programs)} |")
    print("| --- |" + " ---: |" * len(programs))
    for what, figures in {
        "register request received": warm,
        "the same, the program not in the page cache": cold,
        "resident memory, idle": memory,
        "first secret over TLS": secret_wall,
        "CPU until then": secret_cpu,
        "first secret with 0.07 CPU (128 MB)": throttled,
    }.items():
        print(f"| {what} | {' | '.join(figures.cells(name) for name in programs)} |")
    sizes = " | ".join(f"{program.stat().st_size / 1e6:.2f}" for program in programs.values())
    print(f"| size of the program, MB | {sizes} |\n")
    if not throttled.found:
        print("CPU cannot be limited on this machine, so the quota was not measured.\n")

    print("| budget | limit | found | |")
    print("| --- | ---: | ---: | --- |")
    budgets: list[tuple[str, float, Callable[[], float]]] = [
        ("register, share of the Go listener's", 0.75, lambda: warm.median(EXTENSION) / warm.median(GO)),
        ("the same, page cache cold", 1.0, lambda: cold.median(EXTENSION) / cold.median(GO)),
        ("first secret over TLS, ms", 10, lambda: secret_wall.median(EXTENSION)),
        ("CPU until then, ms", 8, lambda: secret_cpu.median(EXTENSION)),
        ("first secret with 0.07 CPU, ms", 130, lambda: throttled.median(EXTENSION)),
        ("resident memory, idle, MB", 8, lambda: memory.median(EXTENSION)),
    ]
    for what, limit, found in budgets:
        if what.startswith("first secret with") and not throttled.found:
            continue
        print(f"| {what} | {limit:g} | {found():.2f} | {'' if found() <= limit else '**over**'} |")


def four_rows(
    layer: Path,
    program: Path,
    warm: Figures,
    cold: Figures,
    invocation: Figures,
    memory: Figures,
    memory_with_secret: Figures,
) -> None:
    print("\n## What it costs a function\n")
    print("The four figures that are published of extensions, with how each is found; medians of the same run.\n")
    print("| | | how |")
    print("| --- | ---: | --- |")
    sizes = f"{program.stat().st_size / 1e6:.2f} MB, {layer.stat().st_size / 1e6:.2f} zipped"
    print(f"| size on disk | {sizes} | the extension as Lambda unpacks it, and the layer's zip |")
    added = f"{warm.median(EXTENSION):.1f} ms, {cold.median(EXTENSION):.1f} from the disk"
    print(f"| added to INIT | {added} | from exec to the register request, for which Lambda waits before it starts the runtime |")
    print(
        f"| added to each invocation | {invocation.median(EXTENSION):.2f} ms at most | from the INVOKE event to the next call for"
        " an event; the function runs at the same time, so a slower one waits for none of it |"
    )
    used = f"{memory.median(EXTENSION):.1f} MB, {memory_with_secret.median(EXTENSION):.1f} with a secret"
    print(f"| memory | {used} | resident, idle; and after one secret was fetched over TLS |")


if __name__ == "__main__":
    threading.excepthook = lambda _: None  # the upstream's threads see connections die with each start
    main()
