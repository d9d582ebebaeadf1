"""The command `harmrank`: its subcommands, and how it ends.

Exit codes: 0 done, 2 wrong use, 3 refused extract, 4 gate failed, 5 busy, 1 anything else.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import NoReturn

import click

from harmrank import __version__
from harmrank.cli import reading, running
from harmrank.cli.terminal import open_streams, say
from harmrank.errors import HarmrankError, SilentExit


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="harmrank")
def cli() -> None:
    """Rank the people who do most harm to women and girls, and explain every day of every score.

    \b
    Example:
      harmrank sample --out extracts
      harmrank refresh extracts --home home
      harmrank top --home home

    Add --debug to any command to see the traceback of an error.
    """


for command in (*running.COMMANDS, *reading.COMMANDS):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and exits with its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    # Files that a command writes may hold personal data: only their owner may read them.
    os.umask(0o077)
    open_streams()
    # dbt and Great Expectations make a million objects that stay: looking through them for garbage as often as Python does took
    # a seventh of a small refresh. Seldom costs a tenth more memory.
    gc.set_threshold(70_000)
    debug = "--debug" in arguments
    try:
        cli.main([a for a in arguments if a != "--debug"], prog_name="harmrank", standalone_mode=False)
        _exit(0)
    except click.ClickException as error:
        error.show()
        _exit(error.exit_code)
    except click.exceptions.Exit as error:
        _exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        _fail(KeyboardInterrupt(), debug)
    except Exception as error:
        _fail(error, debug)


def _fail(error: BaseException, debug: bool) -> None:
    """Writes one line about the error and exits with its exit code."""
    from harmrank.machine import system_errors

    if debug:
        _print_traceback()
    message, code = system_errors.line_and_code(error)
    if not isinstance(error, SilentExit):
        say(f"harmrank: {message}")
    _exit(code)


def _print_traceback() -> None:
    import traceback

    traceback.print_exc()


def _exit(code: int) -> NoReturn:
    """Exits, with code 1 if the result could not be written; after Great Expectations was loaded, without Python's clean-up.

    With Great Expectations and DuckDB's SQLAlchemy dialect in one process, DuckDB 2 prints pages of "leaked" objects
    during that clean-up, although all work is done.
    """
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except HarmrankError as error:
        say(f"harmrank: {error}")
        code = code or error.exit_code
    if "great_expectations" in sys.modules:
        # Exit handlers still have to run: they remove temporary folders and semaphores.
        atexit._run_exitfuncs()
        os._exit(code)
    sys.exit(code)
