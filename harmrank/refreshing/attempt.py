"""A refresh with what a scheduler needs around it: it stops on signals, runs hooks and records how it ended.

`harmrank.refreshing.refresh` is the refresh itself. Nothing here changes what it lands or publishes.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from harmrank.errors import HarmrankError, ListWithheld, Stopped
from harmrank.home.folder import Home
from harmrank.landing.outcome import refusal_error
from harmrank.machine import signals, system_errors
from harmrank.reading import published_mart
from harmrank.refreshing import hooks
from harmrank.refreshing.refresh import RefreshResult, refresh
from harmrank.refreshing.request import Options
from harmrank.refreshing.run import Run

TIME_LIMIT_AFTER_SIGNAL = timedelta(seconds=30)
"""Time limit of a hook once a signal has asked this process to stop: schedulers do not wait long."""

# By exit code, for the log; every other code is "failed".
_OUTCOMES = {2: "wrong use", 3: "extract refused", 4: "gate failed", 5: "busy"}


@dataclass(frozen=True)
class Ending:
    """How a refresh ended: in a word, in a line, as an exit code.

    `home` holds the list. `movement` is the row of mart.list_churn for a list that was published. `error` is what the
    command has to raise, None after success. If the refresh itself raised it, `during` names the step and `result` is
    None.
    """

    home: Home
    outcome: str
    message: str
    exit_code: int = 0
    result: RefreshResult | None = None
    movement: dict[str, Any] | None = None
    during: str | None = None
    error: BaseException | None = None

    def with_error(self, error: BaseException) -> Ending:
        """Returns the same ending as a failure, with the outcome, message and exit code of the error."""
        message, code = system_errors.line_and_code(error)
        outcome = _OUTCOMES.get(code, "failed")
        if isinstance(error, Stopped | ListWithheld):
            outcome = "stopped" if isinstance(error, Stopped) else "withheld"
        return replace(self, outcome=outcome, message=message, exit_code=code, error=error)


@dataclass(frozen=True)
class Attempt:
    """One refresh with its hooks."""

    options: Options
    hooks: hooks.Hooks
    run: Run

    def execute(self) -> Ending:
        """Refreshes, runs the hooks and writes the last line of the log. Raises nothing: the ending has the error.

        `on_publish` runs after a list was published. It does not run after a past list (`known_at`), because it would pass
        that list on as the current one. `on_failure` runs after it, whenever the exit code is not 0. A failed hook
        changes nothing that was published. A failed `on_publish` turns success into exit code 1, so that somebody
        notices; a failed `on_failure` changes no exit code.
        """
        with signals.listening():
            ending = self._refresh()
            if self.run.publication and self.hooks.on_publish and ending.home.past_list is None:
                trouble = self._call("on-publish", self.hooks.on_publish, ending)
                if trouble and ending.error is None:
                    ending = ending.with_error(HarmrankError(f"{trouble}; the list was published"))
            if ending.error and self.hooks.on_failure:
                self._call("on-failure", self.hooks.on_failure, ending)
            self.run.end("refresh", ending.outcome, **self._counts(ending))
            if self.run.log.trouble:
                self.run.say(self.run.log.trouble)
        return ending

    def _refresh(self) -> Ending:
        home = self.options.home
        try:
            result = refresh(self.options, self.run)
        except (Exception, KeyboardInterrupt) as raised:
            return Ending(home, "", "", during=self.run.step).with_error(self._error(raised))
        if result.publication:
            message = f"published the list for {result.list_date}"
            ending = Ending(result.home, "published", message, 0, result, _movement(result.home))
        else:
            ending = Ending(result.home, "nothing new", "nothing new", 0, result)
        if result.waiting:
            return ending.with_error(ListWithheld(result.waiting.waits_because))
        refused = refusal_error(home, result.landing.refused)
        return ending.with_error(refused) if refused else ending

    def _error(self, raised: BaseException) -> BaseException:
        """Returns what was raised, or Stopped after a signal: libraries turn a signal into errors of their own."""
        stopped = signals.received() or (raised if isinstance(raised, KeyboardInterrupt) else None)
        if stopped is None:
            return raised
        published = f"stopped {stopped} after the list was published" if self.run.publication else None
        error = Stopped(published or system_errors.line_and_code(stopped)[0])
        error.__cause__ = raised
        return error

    def _call(self, name: str, command: tuple[str, ...], ending: Ending) -> str | None:
        """Runs a hook. Returns what went wrong, after saying so."""
        limit = min(self.hooks.time_limit, TIME_LIMIT_AFTER_SIGNAL) if signals.received() else self.hooks.time_limit
        self.run.say(f"running the hook {name}")
        self.run.begin(f"hook {name}")
        try:
            trouble = hooks.call(name, command, self._facts(name, ending), limit)
        except KeyboardInterrupt as stopped:
            trouble = f"the hook {name} was ended: the refresh was stopped {stopped}"
        self.run.end(f"hook {name}", "failed" if trouble else "done", message=trouble)
        if trouble:
            self.run.say(trouble)
        return trouble

    def _facts(self, name: str, ending: Ending) -> dict[str, Any]:
        """Returns the facts for a hook: those of hooks.FACTS and more."""
        current = ending.home.published / "current"
        landing, publication, log = self.run.landing, self.run.publication, self.run.log
        return {
            "event": "published" if name == "on-publish" else "failed",
            "home": str(ending.home.root.resolve()),
            "published": str(current.resolve()) if current.exists() else None,
            "log": str(log.path.resolve()),
            "refresh": log.refresh_id,
            **self.run.build,
            "outcome": ending.outcome,
            **self._counts(ending),
            "extracts_landed": landing.landed if landing else [],
            "extracts_refused": [refusal.extract_id for refusal in landing.refused] if landing else [],
            "details": publication.warnings if publication else [],
        }

    def _counts(self, ending: Ending) -> dict[str, Any]:
        """Returns the exit code, the message and the counts of the refresh."""
        landing, publication = self.run.landing, self.run.publication
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


def _movement(home: Home) -> dict[str, Any] | None:
    """Returns who entered and left. If the build has gone since it was published, its readers report that."""
    with suppress(HarmrankError):
        return published_mart.movement(home)
    return None
