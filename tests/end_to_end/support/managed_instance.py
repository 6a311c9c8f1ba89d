"""Lambda Managed Instances: the emulator runs the extension and several processes of the function
as another user.

That user may enter neither a home folder nor a test's temporary folder, so that everything it needs
is put where Lambda has it.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from support.certificates import Authority
from support.function import Function
from support.project import FUNCTIONS

TASK = Path("/var/task")
RUNTIME = Path("/opt/python")
PACKAGES = Path("/opt/site-packages")
BUNDLE = TASK / "ca.pem"
CONCURRENCY = {"AWS_LAMBDA_MAX_CONCURRENCY": "4"}

BOOTSTRAP = f"""#!/bin/sh
export LD_LIBRARY_PATH={RUNTIME}/lib PYTHONPATH={PACKAGES}:{TASK}
exec {RUNTIME}/bin/python{sys.version_info.major}.{sys.version_info.minor} -m awslambdaric"""


def is_real_root() -> bool:
    """Whether there are other users here: in a user namespace as the sandbox makes it there is root
    alone."""
    how_many = Path("/proc/self/uid_map").read_text().split()[2]
    return os.geteuid() == 0 and int(how_many) > 1


def put_in_place(handler: str, authority: Authority) -> Function:
    """Lays out the function's files where Lambda has them."""
    show_at(Path(sys.base_prefix), RUNTIME)
    show_at(Path(sysconfig.get_paths()["purelib"]), PACKAGES)
    shutil.copytree(FUNCTIONS / "python", TASK, dirs_exist_ok=True)
    shutil.copy(authority.bundle, BUNDLE)
    bootstrap = TASK / "bootstrap"
    bootstrap.write_text(f"{BOOTSTRAP} {handler}\n")
    bootstrap.chmod(0o755)
    return Function([str(bootstrap)], TASK)


def show_at(folder: Path, place: Path) -> None:
    if not place.exists():
        place.mkdir()
        subprocess.run(["mount", "--bind", folder, place], check=True)
