"""Keeps spreadsheets from running a value as a formula."""

_SKIPPED = " \u00a0\"'"
# A spreadsheet set to an East Asian language runs the full-width forms too.
_STARTS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")


def as_text(value: str) -> str:
    """Returns the value, with an apostrophe in front if it begins like a formula (blanks and quotes skipped)."""
    return f"'{value}" if value.lstrip(_SKIPPED).startswith(_STARTS_A_FORMULA) else value
