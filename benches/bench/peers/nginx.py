"""nginx, one process, returning a constant: the yardstick for a small HTTP answer."""

import os
import re
import subprocess
from pathlib import Path

from bench import project
from bench.processes import Process, free_port

NAME = "nginx"


def why_missing() -> str | None:
    return None if project.program("nginx") else "nginx is not installed"


def title() -> str:
    program = project.program("nginx")
    if program is None:
        return "nginx"
    version = re.search(r"nginx/([\d.]+)", subprocess.run([program, "-v"], capture_output=True, text=True).stderr)
    return f"nginx {version.group(1) if version else ''}, a constant"


class Server(Process):
    def __init__(self, body: bytes, folder: Path) -> None:
        self.port = free_port()
        config = folder / f"nginx-{self.port}.conf"
        text = body.decode().replace("'", r"\'")
        temporary = "\n".join(
            f"    {kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config.write_text(f"""
daemon off;
master_process off;
pid {folder}/nginx-{self.port}.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    default_type text/plain;
{temporary}
    server {{
        listen 127.0.0.1:{self.port} backlog=4096;
        location / {{ return 200 '{text}'; }}
    }}
}}
""")
        os.chmod(folder, 0o755)
        super().__init__([str(project.program("nginx")), "-p", folder, "-c", config, "-e", "stderr"], {}, folder)
        self.wait_until_listening(self.port)
