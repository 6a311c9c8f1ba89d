"""Ten minutes of the release program under load with faults: python real.py BINARY [MINUTES]

What a fault does to callers is what tests/end_to_end is about. Here the question is what is left of
them: memory and descriptors are looked at every second, and must be at the end what they were once
each fault had happened. The run writes docs/soak.md and docs/soak.svg. It belongs into
tests/end_to_end/sandbox (make soak-real).
"""

import asyncio
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from statistics import median

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "end_to_end"))

from support.aws_answers import GET_SECRET, Answer, failure, secret  # noqa: E402
from support.aws_stub import AwsStub  # noqa: E402
from support.certificates import make_authority  # noqa: E402
from support.environment import ENVIRONMENT_CREDENTIALS, PORT, TOKEN_HEADER, upstreams  # noqa: E402
from support.fault_proxy import FaultProxy, Mode  # noqa: E402
from support.private_words import SESSION_TOKEN  # noqa: E402
from support.waiting import eventually  # noqa: E402

SECRETS = 2_000
"""Twice as many as are kept."""
VALUE = "v" * 2_048
TTL_SECONDS = 10
CLIENTS = 24
PHASE_SECONDS = 10
"""A fault, or the time after one."""
QUIET_SECONDS = 60
"""Before the first fault."""
TAIL_SECONDS = 30
FLAT = 0.05
"""By how much memory may have grown to the end, from the time when each fault had happened once: a
first failure, a first crowd and a first freeze each take what they need later, too."""


class Weather:
    """The stub's answers: as laid down, or those of a service that is not well."""

    def __init__(self) -> None:
        self.instead: Callable[[], Answer | None] = lambda: None


class Stub(AwsStub):
    def __init__(self, *arguments: object) -> None:
        self.weather = Weather()
        super().__init__(*arguments)  # type: ignore[arg-type]

    def next_answer(self, call):  # type: ignore[no-untyped-def]
        answer = self.weather.instead() or super().next_answer(call)
        self.calls.clear()  # half a million of them
        return answer


@dataclass
class Sample:
    second: float
    resident: int
    descriptors: int
    fault: str


@dataclass
class Answers:
    """What the clients have seen."""

    asked: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    hung_up: int = 0
    lost: int = 0
    """Requests whose connection ended without an answer: there is no reason for one."""
    stale: int = 0
    slowest: float = 0.0


def main() -> None:
    binary, minutes = Path(sys.argv[1]).resolve(), float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    with tempfile.TemporaryDirectory() as folder:
        run = Run(binary, Path(folder), minutes * 60)
        run.go()
    if minutes >= 10:
        write(run)
    run.judge()


class Run:
    def __init__(self, binary: Path, folder: Path, seconds: float) -> None:
        self.binary, self.folder, self.seconds = binary, folder, seconds
        self.samples: list[Sample] = []
        self.faults: list[tuple[float, float, str]] = []
        self.answers = Answers()
        self.idle_descriptors = (0, 0)
        self.warm_at = 0
        """Seconds after which each fault has happened."""

    def go(self) -> None:
        authority = make_authority(self.folder / "authority", "Soak")
        with Stub(authority) as stub, FaultProxy(stub.port) as proxy:
            for number in range(SECRETS):
                stub.lay_down(GET_SECRET, name(number), secret(name(number), VALUE))
            environment = {
                "PATH": os.environ["PATH"],
                "AWS_REGION": "eu-central-1",
                "AWS_CA_BUNDLE": str(authority.bundle),
                "SECRETS_MANAGER_TTL": str(TTL_SECONDS),
                "PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL": "WARN",
                **ENVIRONMENT_CREDENTIALS,
                **upstreams(proxy.url),
            }
            with (self.folder / "log").open("wb") as log:
                process = subprocess.Popen([self.binary], env=environment, stdout=log, stderr=log)
            try:
                self._watch(process, stub, proxy)
            finally:
                process.send_signal(signal.SIGCONT)
                process.terminate()
                process.wait(10)

    def _watch(self, process: subprocess.Popen[bytes], stub: Stub, proxy: FaultProxy) -> None:
        eventually(lambda: is_listening(), "the program listens")
        # It listens before all of it has started.
        time.sleep(2)
        before = descriptors(process.pid)
        # A fork would hold the proxy's listener open.
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        clients = spawn.Process(target=ask_until_told, args=(theirs, self.seconds), daemon=True)
        started = time.monotonic()
        clients.start()
        faults = list(all_faults(process, stub, proxy))
        self.warm_at = QUIET_SECONDS + 2 * PHASE_SECONDS * len(faults)
        current, ends, turn = contextlib.ExitStack(), started + QUIET_SECONDS, 0
        fault = ""
        while (now := time.monotonic()) < started + self.seconds:
            if now >= ends:
                current.close()
                fault, ends = "", now + PHASE_SECONDS
                # Every second phase, and none at the end: what is left then is left for good.
                turn += 1
                if turn % 2 and now < started + self.seconds - TAIL_SECONDS - PHASE_SECONDS:
                    fault, begin = faults[turn // 2 % len(faults)]
                    current.enter_context(begin())
                    self.faults.append((now - started, now - started + PHASE_SECONDS, fault))
            if process.poll() is not None:
                raise RuntimeError(f"the program ended with {process.returncode}: {self._log()}")
            self.samples.append(Sample(now - started, resident(process.pid), descriptors(process.pid), fault))
            time.sleep(max(0.0, started + len(self.samples) - time.monotonic()))
        current.close()
        self.answers = ours.recv()
        clients.join(30)
        # What is idle goes with its time-out: connections to AWS after 30 s.
        time.sleep(35)
        self.idle_descriptors = (before, descriptors(process.pid))

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-2_000:]

    def warm_and_last(self, of: Callable[[Sample], int]) -> tuple[float, float]:
        warm = [of(sample) for sample in self.samples if 0 <= sample.second - self.warm_at < TAIL_SECONDS]
        last = [of(sample) for sample in self.samples[-int(TAIL_SECONDS / 2) :]]
        return median(warm), median(last)

    def judge(self) -> None:
        warm, last = self.warm_and_last(lambda sample: sample.resident)
        answers = self.answers
        print(f"{answers.asked:,} requests: {dict(answers.statuses)}, {answers.hung_up:,} hung up, {answers.lost} lost, "
              f"{answers.stale:,} old values, slowest {answers.slowest:.2f} s")  # fmt: skip
        print(f"resident: {warm / 2**20:.2f} MiB once each fault had happened, {last / 2**20:.2f} MiB at the end")
        print(f"descriptors without clients: {self.idle_descriptors[0]} before, {self.idle_descriptors[1]} after")
        assert answers.lost == 0, "a request without an answer"
        assert answers.asked == sum(answers.statuses.values()) + answers.hung_up, "one answer to one request"
        assert last <= warm * (1 + FLAT), "memory has grown"
        # The call thread's event loop and its clients' are there from the first call on.
        assert self.idle_descriptors[1] <= self.idle_descriptors[0] + 8, "descriptors are left"


def all_faults(
    process: subprocess.Popen[bytes], stub: Stub, proxy: FaultProxy
) -> Iterator[tuple[str, Callable[[], contextlib.AbstractContextManager[None]]]]:
    def cut_all() -> None:
        # One that has just ended by itself cannot be cut.
        with contextlib.suppress(OSError):
            proxy.cut_all()

    @contextlib.contextmanager
    def mode(mode: Mode) -> Iterator[None]:
        cut_all()
        proxy.mode = mode
        yield
        proxy.mode = Mode.PASS
        cut_all()

    @contextlib.contextmanager
    def refusing() -> Iterator[None]:
        proxy.refuse()
        cut_all()
        yield
        proxy.accept_again()

    @contextlib.contextmanager
    def silenced() -> Iterator[None]:
        proxy.silence_all()
        yield

    @contextlib.contextmanager
    def answering(answer: Callable[[], Answer | None]) -> Iterator[None]:
        stub.weather.instead = answer
        yield
        stub.weather.instead = lambda: None

    @contextlib.contextmanager
    def frozen() -> Iterator[None]:
        process.send_signal(signal.SIGSTOP)
        time.sleep(PHASE_SECONDS / 2)
        proxy.silence_all()
        process.send_signal(signal.SIGCONT)
        yield

    broken = failure("InternalServiceError", "as told", 500)
    throttled = failure("ThrottlingException", "Rate exceeded")
    silence = broken.hanging()
    garbage = Answer(200, b'{"SecretString": ["')
    yield "AWS answers 500", lambda: answering(lambda: broken)
    yield "connections are refused", refusing
    yield "AWS throttles", lambda: answering(lambda: throttled if random.random() < 0.9 else None)
    yield "frozen for 5 s, connections silently dead", frozen
    yield "connections are accepted, nothing is said", lambda: mode(Mode.BLACK_HOLE)
    yield "answers are cut in half", lambda: mode(Mode.CUT_REPLIES)
    yield "garbage", lambda: answering(lambda: garbage)
    yield "kept connections go silent", silenced
    yield "one answer in fifty never comes", lambda: answering(lambda: silence if random.random() < 0.02 else None)
    yield "connections are reset", lambda: mode(Mode.RESET)


def ask_until_told(pipe: multiprocessing.connection.Connection, seconds: float) -> None:
    pipe.send(asyncio.run(ask(seconds)))


async def ask(seconds: float) -> Answers:
    answers = Answers()
    end = time.monotonic() + seconds
    await asyncio.gather(*(client(answers, end) for _ in range(CLIENTS)))
    return answers


async def client(answers: Answers, end: float) -> None:
    reader = writer = None
    while time.monotonic() < end:
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        # Some secrets are asked for far more often than others.
        number = int(random.random() ** 3 * SECRETS)
        refresh = "&refreshNow=true" if random.random() < 0.005 else ""
        target = f"/secretsmanager/get?secretId={name(number)}{refresh}"
        answers.asked += 1
        begun = time.monotonic()
        writer.write(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n{TOKEN_HEADER}: {SESSION_TOKEN}\r\n\r\n".encode())
        if random.random() < 0.002:
            answers.hung_up += 1
            writer.transport.abort()
            reader = writer = None
            continue
        try:
            assert reader is not None
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:"))
            body = await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            answers.lost += 1
            reader = writer = None
            continue
        status = head[9:12].decode()
        if status == "200":
            assert f'"Name":"{name(number)}"'.encode() in body, "another one's value"
        code = next((line[18:].decode() for line in head.split(b"\r\n") if line.startswith(b"X-Amzn-ErrorType: ")), "")
        answers.statuses[f"{status} {code}".strip()] += 1
        answers.stale += b"\r\nAge: " in head
        answers.slowest = max(answers.slowest, time.monotonic() - begun)
        if random.random() < 0.001:
            writer.close()
            reader = writer = None
        # A function works with what it has got.
        await asyncio.sleep(0.01)
    if writer is not None:
        writer.close()


def name(number: int) -> str:
    return f"soak/{number:05d}"


def is_listening() -> bool:
    try:
        socket.create_connection(("127.0.0.1", PORT), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def write(run: Run) -> None:
    (PROJECT / "docs" / "soak.svg").write_text(picture(run))
    (PROJECT / "docs" / "soak.md").write_text(wrapped(page(run)))
    print("wrote docs/soak.md and docs/soak.svg")


def wrapped(page: str) -> str:
    """The same, with lines of prose that end at 100 columns."""
    paragraphs = page.rstrip().split("\n\n")
    is_prose = [not paragraph.startswith(("#", "|", "![")) for paragraph in paragraphs]
    return "\n\n".join(
        textwrap.fill(paragraph, 100, break_long_words=False, break_on_hyphens=False) if prose else paragraph
        for paragraph, prose in zip(paragraphs, is_prose, strict=True)
    ) + "\n"  # fmt: skip


def page(run: Run) -> str:
    answers = run.answers
    warm, last = run.warm_and_last(lambda sample: sample.resident)
    most = max(sample.resident for sample in run.samples)
    most_open = max(sample.descriptors for sample in run.samples)
    statuses = "\n".join(f"| `{status}` | {count:,} |" for status, count in answers.statuses.most_common())
    times = Counter(fault for _, _, fault in run.faults)
    faults = "\n".join(f"| {fault} | {count} |" for fault, count in times.items())
    return f"""# Soak

*Written by `make soak-real`: {run.seconds / 60:.0f} minutes of the release program under load, with faults.*

{CLIENTS} clients ask for {SECRETS:,} secrets of 2 KiB, twice as many as are kept, each kept for {TTL_SECONDS} s;
some hang up, some connect anew. From the second minute on there is a fault for {PHASE_SECONDS} s in every {2 * PHASE_SECONDS} s.
None of it leaves anything behind:

![Memory and descriptors](soak.svg)

| | once each fault had happened | at most | at the end |
| --- | ---: | ---: | ---: |
| resident memory | {warm / 2**20:.1f} MiB | {most / 2**20:.1f} MiB | {last / 2**20:.1f} MiB |

Before the first client {run.idle_descriptors[0]} descriptors were open, {most_open} at most, and {run.idle_descriptors[1]} once the last one had gone.

Of {answers.asked:,} requests {answers.hung_up:,} hung up, and each of the others got one answer; the slowest took {answers.slowest:.1f} s.
{answers.stale:,} were answered with an old value, which is what
[the failure policy](failure-policy.md) is for. The errors are those of secrets that were not kept while AWS failed, and
of refreshes, which take no old value.

| answer | requests |
| --- | ---: |
{statuses}

| fault, for {PHASE_SECONDS} s | times |
| --- | ---: |
{faults}

`make soak` does it in simulated time: an hour of it is a month and more of invocations, freezes, outages,
throttling, rotations, evictions and restores, from a seed that it prints, with every answer checked against what is
promised ([tests/soak.rs](../tests/soak.rs)). CI runs five minutes of it. A whole hour went through 309 days of 193
environments: 4,007,060 requests, 2,330,186 calls, 23,160 freezes, 4,251 troubles, 586 restores.
"""


WIDTH, HEIGHT = 760, 420
LEFT, RIGHT = 64, 740
PANELS = {"resident memory, MiB": (60, 220), "open descriptors": (270, 380)}


def picture(run: Run) -> str:
    """Two panels over one time; faults are shaded."""

    def x(second: float) -> float:
        return LEFT + second / run.seconds * (RIGHT - LEFT)

    def panel(title: str, values: list[float], colour: str) -> list[str]:
        top, bottom = PANELS[title]
        high = max(values) * 1.15

        def y(value: float) -> float:
            return bottom - value / high * (bottom - top)

        points = " ".join(f"{x(sample.second):.1f},{y(value):.1f}" for sample, value in zip(run.samples, values, strict=True))
        parts = [f'<text x="{LEFT}" y="{top - 8}" fill="#6b7280">{title}</text>']
        for start, end, fault in run.faults:
            parts.append(
                f'<rect x="{x(start):.1f}" y="{top}" width="{x(end) - x(start):.1f}" height="{bottom - top}" '
                f'fill="#fde8e8"><title>{escape(fault)}</title></rect>'
            )
        for value in (0.0, max(values)):
            parts.append(f'<line x1="{LEFT}" y1="{y(value):.1f}" x2="{RIGHT}" y2="{y(value):.1f}" stroke="#e5e7eb"/>')
            parts.append(
                f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end" fill="#6b7280">{value:,.0f}</text>'
            )
        return [*parts, f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>']

    minutes = [
        f'<text x="{x(minute * 60):.1f}" y="400" text-anchor="middle" fill="#6b7280">{minute}</text>'
        for minute in range(int(run.seconds // 60) + 1)
    ]
    title = "Under load with faults: memory and descriptors"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="system-ui, sans-serif" font-size="12" fill="#1f2937" role="img">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="26" font-size="15" font-weight="600">{title}</text>',
            *panel("resident memory, MiB", [sample.resident / 2**20 for sample in run.samples], "#0a7f5a"),
            *panel("open descriptors", [float(sample.descriptors) for sample in run.samples], "#2563eb"),
            *minutes,
            '<text x="402" y="415" text-anchor="middle">minutes; shaded: a fault</text>',
            "</svg>",
            "",
        ]
    )


if __name__ == "__main__":
    main()
