"""`make bi`: sets Superset up for a home and starts it on this machine.

    python bi/superset/serve.py --home HOME --bundle BUNDLE.zip [--port 8088]

Runs in .venv-superset. Ctrl+C stops it.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
_STARTS_IN_SECONDS = 180


def main() -> int:
    """Sets Superset up, starts it, prints its address and waits. Returns the exit code."""
    given = _arguments()
    # SIGTERM acts like Ctrl+C: the server stops with this process.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = environment_of(Path(given.home))
    if _answers(given.port):
        print(f"Port {given.port} is taken: name another one, make bi BI_PORT={given.port + 1}", file=sys.stderr)
        return 2
    done = subprocess.run([sys.executable, str(HERE / "set_up.py"), given.bundle], env=environment, check=False)
    if done.returncode:
        return done.returncode
    print("==> starting the server", flush=True)
    server = subprocess.Popen([sys.executable, "-m", "gunicorn", *gunicorn(given.port)], env=environment)
    try:
        if not _came_up(server, given.port):
            print("Superset did not start: its log is above.", file=sys.stderr)
            return 1
        print(f"==> http://127.0.0.1:{given.port}/dashboard/list/    (Ctrl+C stops it)", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()


def environment_of(home: Path) -> dict[str, str]:
    """Returns the environment of Superset for this home, with harmrank's settings."""
    return {
        **os.environ,
        "HARMRANK_HOME": str(home.resolve()),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "PYTHONPATH": str(HERE),
    }


def gunicorn(port: int) -> list[str]:
    """Returns the server's arguments: this machine only, two processes, so that charts of a page do not wait for each other."""
    workers = os.environ.get("HARMRANK_BI_WORKERS", "2")
    return [
        *("--bind", f"127.0.0.1:{port}", "--workers", workers, "--worker-class", "gthread", "--threads", "8"),
        *("--timeout", "120", "--log-level", "warning", "superset.app:create_app()"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Set Superset up for a home and start it.")
    parser.add_argument("--home", required=True, help="the home whose published mart is shown")
    parser.add_argument("--bundle", required=True, help="what assets.py wrote")
    parser.add_argument("--port", type=int, default=8088)
    return parser.parse_args()


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _came_up(server: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _STARTS_IN_SECONDS
    while time.monotonic() < until and server.poll() is None:
        if _answers(port):
            return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())
