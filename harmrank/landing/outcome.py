"""What became of the extracts: landed, unchanged or refused, and the reason for refusing one, in words for its sender."""

from __future__ import annotations

from dataclasses import dataclass, field

from harmrank.errors import ExtractRefused
from harmrank.home.folder import Home
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


@dataclass(frozen=True)
class Refusal:
    """A refused extract.

    `message` is one sentence for its sender, with what to do about it. `has_landed_before` says that an extract of the
    same id has landed; that one still counts.
    """

    extract_id: str
    message: str
    file_name: str | None = None
    line_number: int | None = None
    column_name: str | None = None
    has_landed_before: bool = False

    @classmethod
    def of(cls, extract_id: str, reason: Unusable, has_landed_before: bool) -> Refusal:
        """Returns the refusal of the extract of that folder name, for that reason."""
        extract_id = printable_name(extract_id)
        message = f"Extract {extract_id} was refused: {reason.placed}"
        return cls(extract_id, message, reason.file_name, reason.line_number, reason.column_name, has_landed_before)


@dataclass(frozen=True)
class Arrival:
    """A landed extract: its rows, landed and in quarantine. `message` is one line for a person."""

    extract_id: str
    rows_landed: int
    rows_quarantined: int
    message: str


@dataclass
class LandingResult:
    """What became of every extract, by id, in id order. `arrivals` describe those that landed; `remarks` are about the folder."""

    landed: list[str] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def refusal_error(home: Home, refused: list[Refusal]) -> ExtractRefused | None:
    """Returns the error that the command raises at its end if an extract was refused."""
    if not refused:
        return None
    ids = ", ".join(refusal.extract_id for refusal in refused)
    return ExtractRefused(
        f"extracts refused (see above): {ids}. Everything else was processed. "
        f"Reports for their suppliers: {home.reports / 'index.html'}"
    )
