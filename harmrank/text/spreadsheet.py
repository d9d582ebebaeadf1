"""Text that a spreadsheet opens as text: a value that it would run as a formula is made harmless."""

_SKIPPED = " \u00a0\"'"
# The full-width forms are run too where a spreadsheet is set to an East Asian language.
_STARTS_A_FORMULA = tuple("=+-@\t\r＝＋－＠")


def as_text(value: str) -> str:
    """The value with an apostrophe before it where it begins like a formula, also after blanks and quotes."""
    return f"'{value}" if value.lstrip(_SKIPPED).startswith(_STARTS_A_FORMULA) else value
