"""Everything that can go wrong in a way its reader can mend, with the exit code each one gives."""


class HarmrankError(Exception):
    """A failure with one clear line for its reader. Carries the exit code of the command."""

    exit_code = 1


class UsageError(HarmrankError):
    """The command was called in a way that cannot work: a missing folder, a bad date, an unknown key."""

    exit_code = 2


class ExtractRefused(HarmrankError):
    """At least one extract was refused; the others were still landed and published."""

    exit_code = 3


class GateFailed(HarmrankError):
    """A model or a test failed: nothing was published and the last good list still stands."""

    exit_code = 4


class HomeBusy(HarmrankError):
    """Another refresh holds the home."""

    exit_code = 5


class ToldToStop(HarmrankError):
    """A signal or Ctrl-C ended the work."""


class Answered(HarmrankError):
    """What there is to say has been said; the exit code is all that is left."""

    def __init__(self, exit_code: int) -> None:
        super().__init__()
        self.exit_code = exit_code
