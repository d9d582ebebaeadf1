"""A refresh as a scheduler and its operator need it: it hears when to stop, calls hooks, and tells how it ended.

The refresh itself is `harmrank.refreshing.refresh`; nothing here changes what it lands or publishes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from harmrank.errors import HarmrankError, Stopped
from harmrank.home.folder import Home
from harmrank.landing.outcome import refusal_error
from harmrank.machine import signals, system_errors
from harmrank.reading import published_mart
from harmrank.refreshing import hooks
from harmrank.refreshing.logbook import Logbook
from harmrank.refreshing.refresh import RefreshResult

WHILE_STOPPING = timedelta(seconds=30)
"""What a hook may take once this process was told to stop: who told it does not wait long."""

# By exit code, for the log; all else has failed.
_OUTCOMES = {2: "wrong use", 3: "extract refused", 4: "gate failed", 5: "busy"}


@dataclass(frozen=True)
class Ending:
    """How a refresh ended: in a word, in a line, as an exit code.

    `home` is where the list is, `movement` what mart.list_churn says of a list that was published. `error` is what the
    command has to raise, None where all went well; where the refresh itself raised it, `during` names the step and
    `result` is None.
    """

    home: Home
    outcome: str
    message: str
    exit_code: int = 0
    result: RefreshResult | None = None
    movement: dict[str, Any] | None = None
    during: str | None = None
    error: BaseException | None = None

    def failed(self, error: BaseException) -> Ending:
        """The same with an error, which says how it ended from here on."""
        message, code = system_errors.told(error)
        outcome = "stopped" if isinstance(error, Stopped) else _OUTCOMES.get(code, "failed")
        return replace(self, outcome=outcome, message=message, exit_code=code, error=error)


@dataclass(frozen=True)
class Attempt:
    """One refresh of a home: where its lines go and which hooks it has. `say` gets what a hook did."""

    home: Home
    log: Logbook
    hooks: hooks.Hooks
    say: Callable[[str], None]

    def make(self, refresh: Callable[[], RefreshResult]) -> Ending:
        """Refresh, call the hooks that it gives cause for, write the last line of the log. Raises nothing of its own.

        `on_publish` is called where a list was published, never where nothing was new, nor for a past list as it was
        known: what hands the current list on would hand that one on. `on_failure` is called wherever the exit code is not
        0, after it. A hook that fails changes nothing that was published. That of `on_publish` gives exit
        code 1 where all else went well, so that somebody sees it; that of `on_failure` changes no exit code.
        """
        with signals.listening():
            ending = self._refreshed(refresh)
            if self.log.publication and self.hooks.on_publish and ending.home.remade is None:
                trouble = self._call("on-publish", self.hooks.on_publish, ending)
                if trouble and ending.error is None:
                    ending = ending.failed(HarmrankError(f"{trouble}; the list is published all the same"))
            if ending.error and self.hooks.on_failure:
                self._call("on-failure", self.hooks.on_failure, ending)
            self.log.end("refresh", ending.outcome, **self._summed_up(ending))
            if self.log.trouble:
                self.say(self.log.trouble)
        return ending

    def _refreshed(self, refresh: Callable[[], RefreshResult]) -> Ending:
        try:
            result = refresh()
        except (Exception, KeyboardInterrupt) as raised:
            return Ending(self.home, "", "", during=self.log.step).failed(self._to_be_raised(raised))
        published = result.publication
        said = f"published the list for {result.list_date}" if published else "nothing new"
        ending = Ending(
            result.home, "published" if published else "nothing new", said, 0, result, self._movement(result)
        )
        refused = refusal_error(self.home, result.landing.refused)
        return ending.failed(refused) if refused else ending

    def _to_be_raised(self, raised: BaseException) -> BaseException:
        """What was raised, or that it was told to stop: libraries make errors of their own of that."""
        stopped = signals.heard() or (raised if isinstance(raised, KeyboardInterrupt) else None)
        if stopped is None:
            return raised
        published = f"stopped {stopped} after the list was published" if self.log.publication else None
        error = Stopped(published or system_errors.told(stopped)[0])
        error.__cause__ = raised
        return error

    @staticmethod
    def _movement(result: RefreshResult) -> dict[str, Any] | None:
        if result.publication is None:
            return None
        # It was published a moment ago; should it be gone already, that is for its readers to say.
        with suppress(HarmrankError):
            return published_mart.movement(result.home)
        return None

    def _call(self, name: str, command: tuple[str, ...], ending: Ending) -> str | None:
        """Call a hook; gives what went wrong with it, once that was said."""
        limit = min(self.hooks.time_limit, WHILE_STOPPING) if signals.heard() else self.hooks.time_limit
        self.say(f"calling the hook {name}")
        self.log.begin(f"hook {name}")
        try:
            trouble = hooks.call(name, command, self._facts(name, ending), limit)
        except KeyboardInterrupt as stopped:
            trouble = f"the hook {name} was ended: told to stop {stopped}"
        self.log.end(f"hook {name}", "failed" if trouble else "done", message=trouble)
        if trouble:
            self.say(trouble)
        return trouble

    def _facts(self, name: str, ending: Ending) -> dict[str, Any]:
        """What a hook is told: hooks.FACTS, and more in its JSON."""
        current = ending.home.published / "current"
        landing, publication = self.log.landing, self.log.publication
        return {
            "event": "published" if name == "on-publish" else "failed",
            "home": str(ending.home.root.resolve()),
            "published": str(current.resolve()) if current.exists() else None,
            "log": str(self.log.path.resolve()),
            "refresh": self.log.refresh_id,
            **self.log.build,
            "outcome": ending.outcome,
            **self._summed_up(ending),
            "extracts_landed": landing.landed if landing else [],
            "extracts_refused": [refusal.extract_id for refusal in landing.refused] if landing else [],
            "details": publication.warnings if publication else [],
        }

    def _summed_up(self, ending: Ending) -> dict[str, Any]:
        """What the refresh came to, in counts."""
        landing, publication = self.log.landing, self.log.publication
        facts: dict[str, Any] = {"exit_code": ending.exit_code, "message": ending.message, "during": ending.during}
        if landing:
            facts |= {
                "landed": len(landing.landed),
                "unchanged": len(landing.unchanged),
                "refused": len(landing.refused),
                "rows_landed": sum(arrival.rows_landed for arrival in landing.arrivals),
                "rows_quarantined": sum(arrival.rows_quarantined for arrival in landing.arrivals),
            }
        if publication:
            facts |= {"places": publication.rows["top_100"], "ranked": publication.rows["offender_harm"]}
            facts |= {"warnings": len(publication.warnings), **(ending.movement or {})}
        return facts
