"""One refresh as others see it: everything it says and records goes through `Run`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harmrank.errors import GateFailed
from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.machine import signals
from harmrank.refreshing.logbook import Logbook

if TYPE_CHECKING:
    from harmrank.landing.outcome import LandingResult
    from harmrank.publishing.current_build import Build
    from harmrank.publishing.publish import Publication
    from harmrank.refreshing.request import Request

# The journal begins with landing or copying; only these steps change it.
_STEPS_IN_JOURNAL = ("building", "publishing")


def _nowhere(*_: Any) -> None:
    """In place of a terminal."""


class Run:
    """One refresh: its terminal, its log and its journal, and what it has done so far.

    `say` shows a line to people, `progress` the number of nodes built; `copy_line` gets each line of the log. `landing` and
    `publication` are None until that step is done; `build` names the build in each line of the log; `seconds` are those
    of finished steps.
    """

    _journal: journal.Journal

    def __init__(
        self,
        home: Home,
        say: Callable[[str], None] = _nowhere,
        progress: Callable[[str, int, int], None] = _nowhere,
        copy_line: Callable[[str], None] | None = None,
    ) -> None:
        self.home, self.say, self.progress = home, say, progress
        self.log = Logbook(home, copy_line)
        self.landing: LandingResult | None = None
        self.publication: Publication | None = None
        self.build: dict[str, Any] = {"build_id": None, "list_date": None}
        self.seconds: dict[str, float] = {}
        self._began_at = time.monotonic()
        self._begun = {"refresh": self._began_at}

    @property
    def step(self) -> str:
        """Returns the last step that has begun and not ended."""
        return list(self._begun)[-1]

    @property
    def elapsed(self) -> float:
        """Returns the seconds since the refresh began."""
        return time.monotonic() - self._began_at

    @contextmanager
    def journal_of(self, home: Home, first_step: str) -> Iterator[None]:
        """Keeps a journal in that home while the block runs. An error ends the journal, too. The caller holds the lock."""
        with journal.keep(home, first_step) as self._journal:
            yield

    def begin(self, step: str, **build: Any) -> None:
        """Notes that a step begins; its line is written when it ends. The journal gets the facts about the build."""
        self._begun[step] = time.monotonic()
        if step in _STEPS_IN_JOURNAL:
            self._journal.step(step, **build)

    def end(self, step: str, outcome: str, **facts: Any) -> None:
        """Writes the line of a step that ends: its outcome, its seconds and `facts` (counts, ids, sentences)."""
        self.seconds[step] = time.monotonic() - self._begun.pop(step)
        self.note(step, outcome, seconds=round(self.seconds[step], 3), **facts)

    def drop(self, step: str) -> None:
        """Forgets a step that has begun: it gets no line."""
        self._begun.pop(step, None)

    def note(self, step: str, outcome: str, **facts: Any) -> None:
        """Writes a line to the log only."""
        self.log.write(self.build, step, outcome, facts)

    def remark(self, line: str) -> None:
        """Writes something that may need attention to the terminal and the log."""
        self.say(line)
        self.note("remark", "said", message=line)

    def landed(self, landing: LandingResult) -> None:
        """Records what landed."""
        self.landing = landing
        counts = {"landed": len(landing.landed), "unchanged": len(landing.unchanged), "refused": len(landing.refused)}
        self.end("landing", "done", **counts, warnings=len(landing.warnings), details=landing.warnings)

    def nothing_new(self, name: dict[str, str]) -> None:
        """Records that the refresh ends without a build. `name` is that of the build that stays, empty if there is none."""
        self._journal.end(journal.NOTHING_NEW, [], **name)
        self.build["list_date"] = name.get("list_date")

    def begin_building(self, request: Request) -> None:
        """Notes that building begins. From here on journal and log name the build."""
        self.build = {"build_id": request.build_id, "list_date": str(request.list_date)}
        self.begin("building", **request.name)

    def published(self, publication: Publication) -> None:
        """Records what was published."""
        self._journal.end(journal.PUBLISHED, publication.warnings)
        self.publication = publication
        self.end(
            "publishing",
            "published",
            places=publication.rows["top_100"],
            ranked=publication.rows["offender_harm"],
            warnings=len(publication.warnings),
            details=publication.warnings,
        )
        for remark in publication.remarks:
            self.remark(remark)

    def begin_publishing(self, waiting: Build) -> None:
        """Notes that a build that waits is published. From here on journal and log name it."""
        self._name(waiting)
        self.begin("publishing", **self.build)

    def withheld(self, waiting: Build) -> None:
        """Records that a build is kept and waits to be published on purpose."""
        signals.raise_if_stopped()
        self._name(waiting)
        reasons = waiting.manifest["withheld"]["because"]
        self._journal.end(journal.WITHHELD, reasons, **self.build)
        if self.step == "publishing":
            self.end("publishing", "withheld", details=reasons)

    def _name(self, build: Build) -> None:
        self.build = {"build_id": build.build_id, "list_date": build.manifest["list_date"]}

    def gate_failed(self, failures: list[str]) -> GateFailed:
        """Returns the error to raise when models, tests or checks have failed. Raises StopSignal if a signal made them fail."""
        signals.raise_if_stopped()
        self._journal.end(journal.GATE_FAILED, failures)
        listed = "; ".join(failures[:3])
        more = f" (and {len(failures) - 3} more)" if len(failures) > 3 else ""
        return GateFailed(f"nothing was published; the last published list is still current. {listed}{more}")
