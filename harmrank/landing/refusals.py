"""The reason for refusing an extract, in words for its sender."""

from harmrank.text.printable import printable, printable_name


class Unusable(Exception):
    """An extract cannot land, for this reason. `advice` says what its sender can do.

    Text from outside is made safe here, to print and to keep.
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

    @property
    def placed(self) -> str:
        """The place, the reason and the advice in one line."""
        place = self.file_name or ""
        if self.line_number is not None:
            place += f" line {self.line_number}"
        if self.column_name is not None:
            place += f", column {self.column_name}"
        where = f"{place}: " if place else ""
        return f"{where}{self.reason}. {self.advice}"
