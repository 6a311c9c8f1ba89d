"""What the figures were measured on, and how quiet it was."""

import os
import platform
import re
import subprocess
from pathlib import Path

from bench import project
from bench.peers import agent, constant, nginx, ours


def hardware() -> list[tuple[str, str]]:
    return [
        ("processor", f"{os.cpu_count()} x {_processor()}"),
        ("memory", f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"),
        ("system", f"{_distribution()}, Linux {platform.release()}, {platform.machine()}"),
    ]


def describe() -> list[tuple[str, str]]:
    return [
        *hardware(),
        ("compiler", _first_line(["rustc", "--version"])),
        ("load generator", _version_of_wrk()),
        *(("compared", title) for title in (ours.TITLE, agent.TITLE, constant.TITLE, nginx.title())),
    ]


def load_average() -> float:
    return os.getloadavg()[0]


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _distribution() -> str:
    return platform.freedesktop_os_release().get("PRETTY_NAME", "Linux")


def _version_of_wrk() -> str:
    # It starts with the libraries that lie beside it, and else only says what it misses.
    words = _first_line([str(project.program("wrk")), "-v"], project.environment()).split()
    return " ".join(words[:2])


def _first_line(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    return (done.stdout + done.stderr).partition("\n")[0]
