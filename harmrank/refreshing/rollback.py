"""Makes an earlier build the current list again, by hand and on record."""

from __future__ import annotations

from datetime import date

from harmrank.errors import HarmrankError, UsageError
from harmrank.home import journal
from harmrank.home.folder import Home
from harmrank.publishing import current_build, publish
from harmrank.publishing.current_build import Build
from harmrank.refreshing.run import Run
from harmrank.text.printable import printable


def roll_back(home: Home, build_id: str, run: Run) -> tuple[Build, date | None]:
    """Returns the build that is current now, and the date of the list before; None if it was current already.

    A list that waits is dropped if its build was current already: the current list was preferred to it. The journal and the
    log say what was done. Raises UsageError for a build that the home does not keep or that was never published,
    HarmrankError for a damaged one, HomeBusy if another process works in the home.
    """
    with home.lock():
        current_build.refuse_foreign(home)
        kept = {build.build_id: build for build in current_build.builds(home)}
        target = _usable(home, kept.get(build_id), build_id)
        if target.state == current_build.CURRENT:
            waiting = current_build.waiting(home)
            if waiting:
                publish.drop(waiting)
                run.remark(f"the list for {waiting.list_date} (build {waiting.build_id}), which waited, was dropped")
            return target, None
        before = next((build for build in kept.values() if build.state == current_build.CURRENT), None)
        facts = {"build_id": target.build_id, "list_date": target.manifest["list_date"]}
        run.build = dict(facts)
        with journal.keep(home, "rolling back") as entry:
            publish.roll_back(home, target)
            said = f"instead of build {before.build_id}" if before else "instead of none"
            entry.end(journal.ROLLED_BACK, [said], **facts)
        run.note("rollback", "rolled back", instead_of=before.build_id if before else None)
        return target, before.list_date if before and before.manifest else None


def _usable(home: Home, build: Build | None, build_id: str) -> Build:
    listed = f"harmrank builds --home {home.root} lists what is kept"
    if build is None:
        raise UsageError(f"{home.root} keeps no build {printable(build_id)}: {listed}")
    if build.state in (current_build.WAITING, current_build.SUPERSEDED):
        raise UsageError(f"build {build.build_id} was never published: publish it with harmrank refresh --accept-list")
    if publish.has_open_names(build.folder):
        raise UsageError(
            f"an older harmrank made build {build.build_id}, with names in files for all readers: make its list again with "
            "harmrank refresh --list-date"
        )
    faults = (
        current_build.file_faults(build.folder, build.manifest, thoroughly=True)
        if build.manifest
        else [f"the manifest of build {build.build_id} is missing or damaged"]
    )
    if faults:
        raise HarmrankError(f"{faults[0]}: the current list stays; {listed}")
    return build
