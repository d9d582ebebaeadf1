"""Options that several commands share, and how the values of options are read."""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta
from pathlib import Path

import click

from harmrank.contract import MAX_BAD_SHARE
from harmrank.errors import UsageError
from harmrank.home.folder import Home


def day(context: click.Context, option: click.Parameter, value: datetime | None) -> date | None:
    """Returns the date without its time."""
    return value.date() if value else None


def mode(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """Returns the mode of a folder from octal. Only the owner may write in it."""
    if value is None:
        return None
    if not re.fullmatch("0?7[015]{2}", value, re.ASCII):
        raise click.BadParameter("use a mode such as 750: 7 for the owner, then 0, 1 or 5 for the group and for others")
    return int(value, 8)


def span(context: click.Context, option: click.Parameter, value: str | None) -> timedelta | None:
    """Returns a span of time such as 26h."""
    from harmrank.text import durations

    if value is None:
        return None
    try:
        return durations.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def hook(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Returns the program and the arguments of a hook. A missing program is reported before the refresh begins."""
    from harmrank.refreshing import hooks

    if value is None:
        return None
    try:
        return hooks.split(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _set_memory(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Sets the environment variable that dbt's profile reads, too. A wrong amount is reported before the command begins."""
    from harmrank.machine import duck, system_errors

    if value is not None:
        if not duck.is_amount(value):
            raise click.BadParameter(f"{value} is not an amount of memory: write 4GB")
        os.environ[system_errors.MEMORY_SETTING] = value
    duck.memory_limit()


def folder(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    """Returns the path of a folder as every tool reads it. Raises UsageError if there is no such path or it is a file."""
    if value is None:
        return None
    if not value:
        raise UsageError(f"{option.opts[0]} is empty: name a folder")
    if any(0xDC80 <= ord(sign) <= 0xDCFF for sign in value):
        # Python's sign for a byte that is no text.
        raise UsageError(f"{value} is not UTF-8 text: rename that folder")
    path = Path(value)
    if path.is_file():
        raise UsageError(f"{path} is a file: name a folder")
    # To DuckDB, a path that begins so is in the user's home, or an address.
    return path.absolute() if value[0] == "~" or ":" in value.split("/", 1)[0] else path


def home_folder(context: click.Context, option: click.Parameter, value: str | None) -> Path | None:
    """Returns the path of a home. Raises UsageError for a path that DuckDB or dbt would read as another one."""
    path = folder(context, option, value)
    if path is not None:
        misread = [sign for sign in _MISREAD if sign in f"{path.absolute()}{path.resolve()}"]
        if misread:
            raise UsageError(
                f"{path.absolute()} cannot be a home, because of {' and '.join(misread)} in its path: DuckDB or dbt would read it "
                f"as another path. Name a folder whose path has none of {' '.join(_MISREAD)}"
            )
    return path


_MISREAD = ("?", "*", "[", "\\", "#")
"""DuckDB takes the first three for a pattern, which may fit another home, and a backslash for a slash; to dbt, a path ends at #."""

HOME_OPTION = click.option(
    "--home",
    "root",
    callback=home_folder,
    metavar="FOLDER",
    envvar="HARMRANK_HOME",
    required=True,
    help="The home: a folder with the warehouse, the published lists and the logs. Also read from HARMRANK_HOME.",
)
EXTRACTS_ARGUMENT = click.argument("extracts", callback=folder)
BAD_SHARE_OPTION = click.option(
    "--max-bad-share",
    type=click.FloatRange(0, 1),
    default=MAX_BAD_SHARE,
    show_default=True,
    help="Refuse an extract if more than this share of the rows of one file cannot be used.",
)
MEMORY_OPTION = click.option(
    "--memory-limit",
    metavar="AMOUNT",
    callback=_set_memory,
    expose_value=False,
    help="Memory that DuckDB may use, such as 4GB. What does not fit goes to HOME/scratch. "
    "Default: half of the machine's memory, at most 4GB. Also read from HARMRANK_MEMORY_LIMIT.",
)
ENGINE_OPTION = click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    help="The engine of a new home: DuckDB, or Apache Spark (docs/scale.md). A home keeps its engine. Default: duckdb.",
)
JSON_OPTION = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def existing_home(root: Path) -> Home:
    """Returns the home in that folder. Raises UsageError if there is none, OSError if this user may not look."""
    home = Home(root)
    if not home.is_made():
        raise UsageError(f"there is no home at {root}: create it with {home.refresh_command}")
    return home
