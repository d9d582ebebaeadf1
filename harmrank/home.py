"""The home: the one folder in which a deployment keeps its warehouse, its published builds and its logs."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from harmrank.errors import HomeBusy

_OWNER_ONLY = 0o700


@dataclass(frozen=True)
class Home:
    """Paths of a home. Nothing is made on disk before `create`."""

    root: Path

    @property
    def warehouse(self) -> Path:
        """The private DuckDB file."""
        return self.root / "warehouse.duckdb"

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
    def scratch(self) -> Path:
        """The folder for files that live no longer than one run: what DuckDB spills, unpacked extracts."""
        return self.root / "scratch"

    @property
    def lock_path(self) -> Path:
        """The file whose lock says who is at work here."""
        return self.root / ".lock"

    def create(self) -> None:
        """Make the folders that are missing, readable by their owner alone: they hold personal data."""
        self.root.mkdir(mode=_OWNER_ONLY, parents=True, exist_ok=True)
        for folder in (self.published, self.logs, self.reports, self.scratch):
            folder.mkdir(mode=_OWNER_ONLY, exist_ok=True)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the home for as long as the block runs.

        Raises HomeBusy, naming the process, if another one holds it. The operating system drops the lock of a
        process that has died, so nothing is ever left to clear by hand.
        """
        self.create()
        descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+", encoding="utf-8") as file:
            self._seize(file)
            try:
                yield
            finally:
                file.seek(0)
                file.truncate()

    def _seize(self, file: TextIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = file.read().strip()
            process = f"process {owner}" if owner.isdigit() else "another process"
            raise HomeBusy(f"{self.root} is in use by {process}: wait until it has finished.") from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
