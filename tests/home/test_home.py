"""The home: private folders, and one worker at a time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harmrank.errors import HomeBusy
from harmrank.home.folder import Home

HOLD = """
import sys, time
from pathlib import Path
from harmrank.home.folder import Home
with Home(Path(sys.argv[1])).lock():
    print("held", flush=True)
    time.sleep(60)
"""


def _hold(root: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(root)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "held"
    return holder


def test_folders_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.create()
    for folder in (home.root, home.published, home.logs, home.scratch):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_the_process_that_holds_the_home_is_named(tmp_path: Path) -> None:
    holder = _hold(tmp_path)
    try:
        with pytest.raises(HomeBusy, match=str(holder.pid)), Home(tmp_path).lock():
            pass
    finally:
        holder.kill()
        holder.wait()


def test_a_dead_process_holds_no_lock(tmp_path: Path) -> None:
    holder = _hold(tmp_path)
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    with Home(tmp_path).lock():
        assert Home(tmp_path).lock_path.read_text().strip() == str(os.getpid())


def test_the_lock_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(ValueError), home.lock():
        raise ValueError
    with home.lock():
        pass
