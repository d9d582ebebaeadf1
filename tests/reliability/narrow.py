"""Runs harmrank on a copy of a home on a small disk of its own, which is full or can only be read.

`python -m reliability.narrow DISK HOME EXTRACTS ROOM MODULE ARGUMENTS...` mounts a file system on the folder DISK, in a
user and mount namespace of its own (no rights needed, and gone with the process), copies the home there, leaves ROOM
kilobytes free (`ro`: as much as there is, and nothing may be written), and prints as JSON what the command said and what
it left. In ARGUMENTS, `HOME` stands for the copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from reliability import homes

DISK_MEGABYTES = 300


def available() -> bool:
    """Whether this machine lets a user have a file system of his own."""
    try:
        done = subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
        )
    except FileNotFoundError:
        return False
    return done.returncode == 0


def narrowed(
    home: Path, extracts: Path, room: int | str, *arguments: str | Path, module: str = "harmrank"
) -> dict[str, Any]:
    """What harmrank said and left on a disk with `room` kilobytes free; see `main` for the keys."""
    with tempfile.TemporaryDirectory(prefix="harmrank-narrow-") as disk:
        inside = homes.command(disk, home, extracts, str(room), module, *arguments, module="reliability.narrow")
        command = ["unshare", "-rm", *inside]
        done = subprocess.run(command, env=homes.ENVIRONMENT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _mount(folder: Path) -> None:
    options = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    subprocess.run(options, check=True)


def _fill(folder: Path, kilobytes_left: int) -> Path:
    """Leave so much room and no more; gives the file to delete for more."""
    ballast = folder / "ballast"
    state = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - kilobytes_left * 1024)
    return ballast


def main() -> None:
    """Print `code`, `stderr`, the `build` that stands after, what `status` says, and how the next refresh ends."""
    folder, home, extracts = (Path(argument) for argument in sys.argv[1:4])
    room, module, arguments = sys.argv[4], sys.argv[5], sys.argv[6:]
    _mount(folder)
    copy = homes.copied(home, folder / "home")
    if room == "ro":
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    else:
        ballast = _fill(folder, int(room))
    arguments = [argument.replace("HOME", str(copy)) for argument in arguments]
    command = homes.command(*arguments, module=module)
    done = subprocess.run(command, env=homes.ENVIRONMENT, capture_output=True, text=True, check=False)
    found: dict[str, Any] = {"code": done.returncode, "stderr": done.stderr, "stdout": done.stdout}
    found |= {"build": homes.check(copy), "status": homes.run("status", "--home", copy).stdout}
    if room != "ro" and arguments[0] != "land":
        ballast.unlink()
        after = homes.run("refresh", extracts, "--home", copy, "--full")
        found |= {"next_code": after.returncode, "next_stderr": after.stderr, "left": homes.leftovers(copy)}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
