"""Why an extract cannot land, in words for its sender."""

from harmrank.text.printable import printable, printable_name


class Unusable(Exception):
    """Why an extract cannot be landed. `advice` says what its sender can do about it.

    Whatever of it came from outside is made safe to print and to keep, here for all.
    """

    def __init__(
        self,
        reason: str,
        advice: str = "Correct it and send the extract again.",
        file_name: str | None = None,
        line_number: int | None = None,
        column_name: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = printable(reason)
        self.advice = advice
        self.file_name = None if file_name is None else printable_name(file_name)
        self.line_number = line_number
        self.column_name = None if column_name is None else printable_name(column_name)
