"""Measures one size: every contender in turn on the same feed, its hundred compared with the floor's."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from feeds import Feed
from measure import Measured, run
from peers import FLOOR, HARMRANK, PEERS, Hundred, Peer, harmrank, hundred_in, hundred_of

FULL, NOTHING, DAY, NEXT, TOP, STATUS, EXPLAIN = "full", "nothing new", "a day", "a month", "top", "status", "explain"
LIMITED, LIMIT = "full within a limit", "2GB"


@dataclass(frozen=True)
class Run:
    """One measurement of one step of a contender; `written_mb` is the size of its files after it (10^6 bytes)."""

    contender: str
    step: str
    measured: Measured
    written_mb: float


class Contest:
    """Measures on one feed, in the folder `work`, which holds the files of one contender at a time."""

    def __init__(
        self, work: Path, feed: Feed, timeout: float, keep: bool = False, memory_limit: str | None = None
    ) -> None:
        """Takes `timeout` in seconds for one step; `keep` keeps the last output of each contender in `work`/kept;
        `memory_limit`, such as 9GB, applies to every step of harmrank.
        """
        self._work, self._feed, self._timeout, self._keep_files = work, feed, timeout, keep
        self._memory_limit = memory_limit
        self._expected: dict[str, Hundred] = {}
        self.runs: list[Run] = []

    def measure(self, contenders: Sequence[str], times: int) -> None:
        """Runs every contender `times` times. One that failed is not run again."""
        is_in = HARMRANK in contenders
        self._expected = {state: self._floor(state) for state in (("months", "day", "next") if is_in else ("months",))}
        for turn in range(times):
            # The order changes, so that no contender always follows the same other one.
            start = turn % len(contenders)
            for name in [*contenders[start:], *contenders[:start]]:
                if any(run.contender == name and run.measured.failure for run in self.runs):
                    continue
                _say(f"  {turn + 1} of {times}: {name}")
                self._harmrank() if name == HARMRANK else self._peer(PEERS[name])

    def _floor(self, state: str) -> Hundred:
        """Returns the floor's hundred of a state of the feed, without measuring."""
        out = self._emptied("expected")
        done = run(FLOOR.command(self._feed, state, out), out / "log", self._timeout)
        if done.failure:
            raise RuntimeError(f"the floor wrote no list: {done.failure}\n{(out / 'log').read_text()[-2000:]}")
        return hundred_in(out)

    def _peer(self, peer: Peer) -> None:
        out = self._emptied("out")
        log = self._work / f"{peer.name}.log"
        done = run(peer.command(self._feed, "months", out), log, self._timeout)
        self._note(peer.name, FULL, done, out, None if done.failure else hundred_in(out), "months")
        self._leave(peer.name, out)

    def _harmrank(self) -> None:
        """Measures a new home, then refreshes with nothing new, a day and a month, and readers."""
        home = self._emptied("home")
        refreshes = {FULL: ("months", "--full"), NOTHING: ("months",), DAY: ("day",), NEXT: ("next",)}
        limit = ("--memory-limit", self._memory_limit) if self._memory_limit else ()
        for step, (state, *options) in refreshes.items():
            command = harmrank("refresh", self._feed.extracts(state), "--home", home, *options, *limit)
            if not self._harmrank_step(step, command, home, state):
                return
        key = self._expected["next"][0][2]
        for step, words in {TOP: ("top",), STATUS: ("status",), EXPLAIN: ("explain", key)}.items():
            if not self._harmrank_step(step, harmrank(*words, "--home", home), home, None):
                return
        self._leave(HARMRANK, home)
        # One run is enough to see whether it ends and how much memory it takes.
        if self._memory_limit is None and not any(run.step == LIMITED for run in self.runs):
            self._within_a_limit()

    def _within_a_limit(self) -> None:
        within = self._emptied("within a limit")
        command = harmrank(
            "refresh", self._feed.extracts("months"), "--home", within, "--full", "--memory-limit", LIMIT
        )
        self._harmrank_step(LIMITED, command, within, "months")
        shutil.rmtree(within)

    def _harmrank_step(self, step: str, command: Sequence[str | Path], home: Path, state: str | None) -> bool:
        log = self._work / f"{HARMRANK} {step}.log"
        done = run(command, log, self._timeout, lambda pid: _journal_step(home, pid))
        found = hundred_of(home) if state and not done.failure else None
        return self._note(HARMRANK, step, done, home, found, state)

    def _note(
        self, name: str, step: str, done: Measured, folder: Path, found: Hundred | None, state: str | None
    ) -> bool:
        """Records a run. Returns whether it succeeded."""
        if found is not None and state is not None and found != self._expected[state]:
            done = replace(done, failure="another hundred than the floor's")
        written = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
        self.runs.append(Run(name, step, done, round(written / 1e6, 1)))
        _say(
            f"      {step}: {done.seconds:,.1f} s, {done.peak_mb:,.0f} MB{f', FAILED: {done.failure}' if done.failure else ''}"
        )
        return done.failure is None

    def _leave(self, name: str, folder: Path) -> None:
        if not self._keep_files:
            shutil.rmtree(folder)
            return
        kept = self._work / "kept" / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.parent.mkdir(exist_ok=True)
        folder.rename(kept)

    def _emptied(self, name: str) -> Path:
        folder = self._work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


def _journal_step(home: Path, pid: int) -> str | None:
    """Returns the current step of this process from harmrank's journal."""
    try:
        entry = json.loads((home / "logs" / "last_refresh.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return str(entry["step"]) if entry["process"] == pid and entry["outcome"] == "running" else None


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
