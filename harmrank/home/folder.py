"""The home: the one folder in which a deployment keeps its warehouse, its published builds and its logs."""

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from harmrank.errors import HomeBusy, UsageError

_OWNER_ONLY = 0o700
_PATIENCE_SECONDS = 10.0
"""How long to wait for a `harmrank status` to have looked; for another worker nobody waits."""
_EVERYBODY_ELSE = 0o077
_PASS_THROUGH = 0o011
# What stands in a home. A folder that holds anything else is somebody's for other things too, /tmp for one.
_OURS = {
    "published",
    "logs",
    "reports",
    "scratch",
    "target",
    # What Superset keeps (bi/superset), and Spark (docs/scale.md).
    "bi",
    "spark",
    "demo",
    "known-at",
    "known_at.json",
    # Left by a kill at the moment it was written.
    ".known_at.json.new",
    "lost+found",
    ".lock",
}


@dataclass(frozen=True)
class Remade:
    """Where a list comes from that was made again as it was known: the day (ISO) and the home with the extracts."""

    known_at: str
    home: str


@dataclass(frozen=True)
class Home:
    """Paths of a home. Nothing is made on disk before `create`.

    A list that is made again as it was known (`known_at`) has a home of its own with everything that others read, but
    is worked at elsewhere: `elsewhere` is that folder.
    """

    root: Path
    elsewhere: Path | None = None

    @property
    def workshop(self) -> Path:
        """Where the warehouse is and whatever else is needed only to work."""
        return self.elsewhere or self.root

    @property
    def warehouse(self) -> Path:
        """The private DuckDB file."""
        return self.workshop / "warehouse.duckdb"

    @property
    def published(self) -> Path:
        """The folder of published builds."""
        return self.root / "published"

    @property
    def logs(self) -> Path:
        """The folder of logs."""
        return self.root / "logs"

    @property
    def reports(self) -> Path:
        """The folder of acceptance reports, a page an extract."""
        return self.root / "reports"

    @property
    def journal(self) -> Path:
        """The file that says what the last refresh is doing or did."""
        return self.logs / "last_refresh.json"

    @property
    def log(self) -> Path:
        """The file with a line for each step of each refresh."""
        return self.logs / "refresh.jsonl"

    @property
    def scratch(self) -> Path:
        """The folder for files that live no longer than one run: what DuckDB spills, unpacked extracts."""
        return self.workshop / "scratch"

    @property
    def target(self) -> Path:
        """The folder for what dbt writes while it builds."""
        return self.workshop / "target"

    @property
    def spark(self) -> Path:
        """What Apache Spark keeps, where it is the engine: tables, metastore, scratch."""
        return self.workshop / "spark"

    @property
    def spark_place(self) -> Path:
        """The file that says where Spark's tables were made: there only where Spark is the engine."""
        return self.spark / "place"

    @property
    def known_lists(self) -> Path:
        """The folder of the lists that were made again as they were known, each a home of its own."""
        return self.root / "known-at"

    def lists_as_known(self) -> "list[Home]":
        """Those lists, in order of their days."""
        folders = sorted(self.known_lists.glob("*")) if self.known_lists.is_dir() else []
        return [made for made in map(Home, folders) if made.remade]

    @property
    def remade_path(self) -> Path:
        """The file that says of a home that it holds such a list, and of which day and home."""
        return self.root / "known_at.json"

    @property
    def remade(self) -> Remade | None:
        """What that file says; None where this is a home like any other."""
        try:
            said = json.loads(self.remade_path.read_text(encoding="utf-8"))
            return Remade(str(said["known_at"]), str(said["home"]))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except (ValueError, KeyError, TypeError):
            return Remade("DATE", "HOME")

    @property
    def refresh_command(self) -> str:
        """What makes the list of this home, for its reader to type."""
        remade = self.remade
        if remade is None:
            return f"harmrank refresh EXTRACTS --home {self.root}"
        source = Home(Path(remade.home))
        is_usual = (source.known_lists / remade.known_at).resolve() == self.root.resolve()
        out = "" if is_usual else f" --out {self.root}"
        return f"harmrank refresh EXTRACTS --home {source.root} --known-at {remade.known_at}{out}"

    def refuse_remade(self) -> None:
        """Raise UsageError where extracts have no business: what was known on a day does not change any more."""
        remade = self.remade
        if remade is not None and self.elsewhere is None:
            raise UsageError(
                f"{self.root} holds a list as it was known on {remade.known_at} and no extracts: they are in "
                f"{remade.home}, name that home."
            )

    @property
    def lock_path(self) -> Path:
        """The file whose lock says who is at work here."""
        return self.root / ".lock"

    def create(self) -> None:
        """Make the folders that are missing, readable by their owner alone: they hold personal data.

        What is there already, and more open than that, is closed; only `published` keeps the permissions it has.
        """
        for folder in (self.root, self.workshop):
            folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        for folder in (self.published, self.logs, self.reports, self.scratch):
            folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
        self.make_private()

    def make_private(self) -> None:
        """Take everybody else's permissions from all of the home but `published`.

        Where that is shared, its readers may still pass through the home. dbt run by hand makes files as open as
        the umask lets it: they are closed here, the next time.
        """
        if self.holds_nothing_else():
            is_shared = self.published.stat().st_mode & _EVERYBODY_ELSE
            _close(self.root, keep=_PASS_THROUGH if is_shared else 0)
        own = (self.logs, self.reports, self.scratch, self.target, self.spark)
        within = [path for path in own if path.exists()]
        for path in (*within, *self.logs.iterdir(), *self.reports.iterdir(), *self.workshop.glob("warehouse.duckdb*")):
            _close(path)

    def holds_nothing_else(self) -> bool:
        """Whether everything in the folder of the home is of a home."""
        return all(entry.name in _OURS or entry.name.startswith("warehouse.duckdb") for entry in self.root.iterdir())

    def open_published(self, mode: int) -> None:
        """Set the permissions of `published` (such as 0o750), and let its readers pass through the home."""
        self.published.chmod(mode)
        others = mode & 0o001
        # The group of `published` may be another than that of the home: then its members are others there.
        if mode & 0o070:
            others |= 0o010 if self.root.stat().st_gid == self.published.stat().st_gid else 0o001
        if others & ~self.root.stat().st_mode:
            self.root.chmod(stat.S_IMODE(self.root.stat().st_mode) | others)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for as long as the block runs.

        Raises HomeBusy, naming the process, if another one holds it, UsageError where it is that of a remade list.
        The operating system drops the lock of a process that has died, so nothing is ever left to clear by hand; the
        id of a dead process that is left in the file means nothing.
        """
        self.refuse_remade()
        self.create()
        descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            self._seize(file)
            try:
                yield
            finally:
                file.seek(0)
                file.truncate()
                # A forked child shares the lock; closing the file here would not take it from the child.
                fcntl.flock(file, fcntl.LOCK_UN)

    @contextmanager
    def looked_at(self) -> Iterator[str | None]:
        """Whether somebody is at work here: gives the process, such as `process 12`, or None.

        Where nobody is, nobody begins before the block has ended, so that reading the warehouse is in no one's way.
        """
        if not self.lock_path.exists():
            yield None
            return
        with self.lock_path.open(encoding="utf-8") as file:
            yield None if _taken(file, fcntl.LOCK_SH) else _owner(file)

    def _seize(self, file: TextIO) -> None:
        patience = time.monotonic() + _PATIENCE_SECONDS
        while not _taken(file, fcntl.LOCK_EX):
            # Sharing works beside those who only look, never beside a worker.
            if not _taken(file, fcntl.LOCK_SH) or time.monotonic() > patience:
                raise HomeBusy(f"{self.root} is in use by {_owner(file)}: wait until it has finished.")
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.02)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()


def _taken(file: TextIO, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _owner(file: TextIO) -> str:
    file.seek(0)
    process = file.read().strip()
    return f"process {process}" if process.isdigit() else "another process"


def _close(path: Path, keep: int = 0) -> None:
    """Take all permissions of group and others, but for those to keep. A link is left alone, and so is what this
    user does not own."""
    # What is gone by now, such as another process' log of writes, needs no closing.
    with suppress(FileNotFoundError, PermissionError):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISLNK(status.st_mode) and mode & _EVERYBODY_ELSE & ~keep:
            path.chmod(mode & ~(_EVERYBODY_ELSE & ~keep))
