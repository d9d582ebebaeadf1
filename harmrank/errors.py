"""The failures that a user can correct, each with the exit code of the command."""


class HarmrankError(Exception):
    """A failure with one clear line for the user, and the exit code of the command."""

    exit_code = 1


class UsageError(HarmrankError):
    """The command cannot work as called: a missing folder, a bad date, an unknown key."""

    exit_code = 2


class ExtractRefused(HarmrankError):
    """At least one extract was refused; the other extracts landed and were published."""

    exit_code = 3


class GateFailed(HarmrankError):
    """A model or a test failed: nothing was published, and the last good list is still the current one."""

    exit_code = 4


class ListWithheld(GateFailed):
    """A list was built and is kept, but must be published on purpose; the last one is still the current one."""


class HomeBusy(HarmrankError):
    """Another refresh holds the home."""

    exit_code = 5


class Stopped(HarmrankError):
    """A signal or Ctrl-C ended the work."""


class SilentExit(HarmrankError):
    """Everything has been printed; only the exit code is left to set."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code
