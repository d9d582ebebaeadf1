"""Runs harmrank's commands as forks of one process that has dbt and Great Expectations loaded: that costs 5 s only once.

Each command is a process of its own: its own id, folder, environment, umask, signals and exit code. `python -m support.forked`
is the process that forks; `run` starts it where none runs yet. It ends with the process that started it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import random
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

REPOSITORY = Path(__file__).resolve().parents[2]
LOADED = ("dbt.cli.main", "dbt.adapters.duckdb", "dbt.task.build", "great_expectations")


def run(
    arguments: Iterable[str | Path],
    module: str,
    folder: Path,
    environment: Mapping[str, str],
    streams: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Returns what `python -m MODULE ARGUMENTS`, run in `folder`, wrote and its exit code, negative where a signal ended it.

    `streams` are open files for its stdout and stderr, such as a terminal; then it returns no text.
    """
    words = [module, *map(str, arguments)]
    umask = os.umask(0o077)
    os.umask(umask)
    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(os.devnull) as nothing:
        with theirs:
            descriptors = [theirs.fileno(), nothing.fileno(), *(streams or (out.fileno(), err.fileno()))]
            socket.send_fds(_server(os.getpid()), [b"!"], descriptors)
        request = {"words": words, "folder": str(folder), "environment": dict(environment), "umask": umask}
        ours.sendall(json.dumps(request).encode() + b"\n")
        with ours.makefile() as answers:
            answer = answers.read()
        if not answer:
            raise RuntimeError(f"{' '.join(words)}: the process that forks has gone")
        said = []
        for stream in (out, err):
            stream.seek(0)
            said.append(stream.read().decode())
    return subprocess.CompletedProcess(words, int(answer), *said)


@cache
def _server(process: int) -> socket.socket:
    """The line to the process that forks for this one; a fork of this one gets its own."""
    ours, theirs = socket.socketpair()
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "tests")])
    # Threads do not survive a fork.
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "support.forked", str(theirs.fileno())]
    with theirs:
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
    return ours


def main() -> None:
    """Load, then fork for each request until nobody is left to ask."""
    interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, 1, 4)
            if not message:
                return
            watcher = os.fork()
            if watcher == 0:
                requests.close()
                _watch(descriptors, interrupt)
            for descriptor in descriptors:
                os.close(descriptor)
            _reap()


def _load() -> None:
    import harmrank

    for module in pkgutil.walk_packages(harmrank.__path__, "harmrank."):
        if not module.name.startswith(("harmrank.spark", "harmrank.__main__")):
            # What an environment lacks, such as a driver, is for the command to say.
            with suppress(ImportError):
                importlib.import_module(module.name)
    for name in LOADED:
        importlib.import_module(name)
    # What is loaded is never garbage: a fork that looked at it would copy it.
    gc.collect()
    gc.freeze()


def _reap() -> None:
    """Let go of the watchers that have ended."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                return
        except ChildProcessError:
            return


def _watch(descriptors: list[int], interrupt: Any) -> NoReturn:
    """Fork the command, wait for it and answer with its exit code."""
    line, *streams = descriptors
    with socket.socket(fileno=line) as answers:
        request = json.loads(answers.makefile().readline())
        command = os.fork()
        if command == 0:
            answers.close()
            signal.signal(signal.SIGINT, interrupt)
            _be(request, streams)
        _, status = os.waitpid(command, 0)
        answers.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _be(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Be `python -m ...` and end as it would."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.umask(request["umask"])
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    time.tzset()
    random.seed()
    # That a module is loaded already is what this is for.
    warnings.filterwarnings("ignore", ".* found in sys.modules after import", RuntimeWarning)
    code: object = 1
    try:
        sys.argv = list(request["words"])
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
