"""The home: the one folder in which a deployment keeps its warehouse, its published builds and its logs."""

import fcntl
import json
import os
import shlex
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from harmrank.errors import HomeBusy, UsageError

_OWNER_ONLY = 0o700
_STATUS_WAIT_SECONDS = 10.0
"""How long to wait for a `harmrank status` that is reading. Nobody waits for another worker."""
_EVERYBODY_ELSE = 0o077
_PASS_THROUGH = 0o011
# The contents of a home. A folder with anything else in it, such as /tmp, also serves other purposes.
_OURS = {
    "published",
    "logs",
    "reports",
    "scratch",
    "target",
    # Of Superset (bi/superset) and Spark (docs/scale.md).
    "bi",
    "spark",
    "demo",
    "known-at",
    "known_at.json",
    # Left by a process that was killed while writing it.
    ".known_at.json.new",
    "lost+found",
    ".lock",
}


@dataclass(frozen=True)
class PastList:
    """The source of a list as it was known on a day: the day (ISO) and the home with the extracts."""

    known_at: str
    home: str


@dataclass(frozen=True)
class Home:
    """The paths of a home. Nothing exists on disk before `create`.

    A list as it was known on a day has a home of its own with all that readers need, but no warehouse: it is built in
    the folder `elsewhere`.
    """

    root: Path
    elsewhere: Path | None = None

    @property
    def work_folder(self) -> Path:
        """The folder of the warehouse and of everything else that only builds need."""
        return self.elsewhere or self.root

    @property
    def warehouse(self) -> Path:
        """The private DuckDB file."""
        return self.work_folder / "warehouse.duckdb"

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
        """The folder of acceptance reports, one page per extract."""
        return self.root / "reports"

    @property
    def journal(self) -> Path:
        """The file with the state of the last refresh."""
        return self.logs / "last_refresh.json"

    @property
    def log(self) -> Path:
        """The file with a line for each step of each refresh."""
        return self.logs / "refresh.jsonl"

    @property
    def scratch(self) -> Path:
        """The folder for the files of one run: unpacked extracts and what DuckDB spills to disk."""
        return self.work_folder / "scratch"

    @property
    def target(self) -> Path:
        """The folder that dbt writes to while it builds."""
        return self.work_folder / "target"

    @property
    def spark(self) -> Path:
        """The folder of Apache Spark, if it is the engine: tables, metastore, scratch."""
        return self.work_folder / "spark"

    @property
    def spark_place(self) -> Path:
        """The file with the path at which Spark's tables were made. It exists only if Spark is the engine."""
        return self.spark / "place"

    @property
    def known_lists(self) -> Path:
        """The folder of the lists as they were known on a day, each a home of its own."""
        return self.root / "known-at"

    def lists_as_known(self) -> "list[Home]":
        """Returns the homes of those lists, by day."""
        folders = sorted(self.known_lists.glob("*")) if self.known_lists.is_dir() else []
        return [made for made in map(Home, folders) if made.past_list]

    @property
    def past_list_path(self) -> Path:
        """The file that marks a home as one of such a list, with the day and the source home."""
        return self.root / "known_at.json"

    @property
    def past_list(self) -> PastList | None:
        """The content of that file; None for an ordinary home."""
        try:
            said = json.loads(self.past_list_path.read_text(encoding="utf-8"))
            return PastList(str(said["known_at"]), str(said["home"]))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return None
        except (ValueError, KeyError, TypeError):
            return PastList("DATE", "HOME")

    @property
    def refresh_command(self) -> str:
        """The command that builds the list of this home."""
        past_list = self.past_list
        if past_list is None:
            return f"harmrank refresh EXTRACTS --home {shlex.quote(str(self.root))}"
        source = Home(Path(past_list.home))
        is_usual = (source.known_lists / past_list.known_at).resolve() == self.root.resolve()
        out = "" if is_usual else f" --out {shlex.quote(str(self.root))}"
        return f"harmrank refresh EXTRACTS --home {shlex.quote(str(source.root))} --known-at {past_list.known_at}{out}"

    def refuse_past_list(self) -> None:
        """Raises UsageError for a home of a list as it was known on a day: it takes no extracts and never changes."""
        past_list = self.past_list
        if past_list is not None and self.elsewhere is None:
            raise UsageError(
                f"{self.root} holds a list as it was known on {past_list.known_at}, and no extracts: name {past_list.home}, "
                "the home with the extracts."
            )

    def is_made(self) -> bool:
        """Returns whether this folder is a home. Raises OSError if this user may not look into it."""
        return any(_is_there(path) for path in (self.published, self.warehouse, self.past_list_path))

    @property
    def lock_path(self) -> Path:
        """The file whose lock shows which process is working in the home."""
        return self.root / ".lock"

    def create(self) -> None:
        """Creates missing folders, readable by their owner alone: they hold personal data.

        Existing folders lose wider permissions, except `published`, which keeps its own.
        """
        for folder in (self.root, self.work_folder):
            folder.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        for folder in (self.published, self.logs, self.reports, self.scratch):
            folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)
        self.make_private()

    def make_private(self) -> None:
        """Removes the permissions of group and others from everything in the home except `published`.

        If `published` is shared, its readers may still pass through the home. dbt run by hand writes files with the
        permissions of the umask: the next call removes those.
        """
        if self.holds_nothing_else():
            is_shared = self.published.stat().st_mode & _EVERYBODY_ELSE
            _close(self.root, keep=_PASS_THROUGH if is_shared else 0)
        own = (self.logs, self.reports, self.scratch, self.target, self.spark)
        within = [path for path in own if path.exists()]
        for path in (
            *within,
            *self.logs.iterdir(),
            *self.reports.iterdir(),
            *self.work_folder.glob("warehouse.duckdb*"),
        ):
            _close(path)

    def holds_nothing_else(self) -> bool:
        """Whether the folder holds nothing but the contents of a home."""
        return all(entry.name in _OURS or entry.name.startswith("warehouse.duckdb") for entry in self.root.iterdir())

    def open_published(self, mode: int) -> None:
        """Sets the permissions of `published` (such as 0o750), and lets its readers pass through the home."""
        self.published.chmod(mode)
        others = mode & 0o001
        # If `published` has another group than the home, the members of that group are "others" to the home.
        if mode & 0o070:
            others |= 0o010 if self.root.stat().st_gid == self.published.stat().st_gid else 0o001
        if others & ~self.root.stat().st_mode:
            self.root.chmod(stat.S_IMODE(self.root.stat().st_mode) | others)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the lock of the home for one block.

        Raises HomeBusy, naming the process, if another process holds it, and UsageError for the home of a list as it
        was known. The operating system releases the lock of a dead process, so nobody has to clear it; the id of a dead
        process in the file means nothing.
        """
        self.refuse_past_list()
        self.create()
        descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            self._seize(file)
            try:
                yield
            finally:
                file.seek(0)
                file.truncate()
                # A forked child shares the lock: closing the file here would not release it.
                fcntl.flock(file, fcntl.LOCK_UN)

    @contextmanager
    def looked_at(self) -> Iterator[str | None]:
        """Yields the process that is working in the home, such as `process 12`, or None.

        If it is None, no process can start work before the block ends, so reading the warehouse disturbs nobody.
        """
        if not self.lock_path.exists():
            yield None
            return
        with self.lock_path.open(encoding="utf-8") as file:
            yield None if _taken(file, fcntl.LOCK_SH) else _owner(file)

    def _seize(self, file: TextIO) -> None:
        until = time.monotonic() + _STATUS_WAIT_SECONDS
        while not _taken(file, fcntl.LOCK_EX):
            # A shared lock is possible beside readers of the status, but not beside a worker.
            if not _taken(file, fcntl.LOCK_SH) or time.monotonic() > until:
                raise HomeBusy(f"{self.root} is in use by {_owner(file)}: wait until it has finished.")
            fcntl.flock(file, fcntl.LOCK_UN)
            time.sleep(0.02)
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()


def _is_there(path: Path) -> bool:
    # Not Path.exists: some versions of Python answer no where they may not look.
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


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
    """Removes all permissions of group and others but those to keep. Links, and files of other users, are left alone."""
    # Another process may have removed a file by now, such as its write-ahead log.
    with suppress(FileNotFoundError, PermissionError):
        status = path.lstat()
        mode = stat.S_IMODE(status.st_mode)
        if not stat.S_ISLNK(status.st_mode) and mode & _EVERYBODY_ELSE & ~keep:
            path.chmod(mode & ~(_EVERYBODY_ELSE & ~keep))
