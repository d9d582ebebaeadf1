"""Runs harmrank on a copy of a home on a small private disk that is full or read-only.

`python -m reliability.narrow DISK HOME EXTRACTS ROOM MODULE ARGUMENTS...` mounts a file system on the folder DISK in a
private user and mount namespace (needs no rights, ends with the process), copies the home there, leaves ROOM kilobytes free
(`ro`: makes the disk read-only), and prints as JSON what the command printed and left. In ARGUMENTS, `HOME` is replaced by
the copy's path.
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
    """Returns whether this machine lets a user mount a private file system."""
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
    """Returns what harmrank printed and left on a disk with `room` kilobytes free, by the keys of `main`."""
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
    """Fills the disk up to this room. Returns the file to delete for more."""
    ballast = folder / "ballast"
    state = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - kilobytes_left * 1024)
    return ballast


def main() -> None:
    """Prints `code`, `stderr`, `stdout`, the current `build` afterwards, the output of `status`, and the result of the next refresh."""
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
