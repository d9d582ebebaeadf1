"""Quotes names and values from outside for SQL statements that take no parameters. No other module does this."""


def identifier(name: str) -> str:
    """Returns a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Returns a quoted string literal."""
    return "'" + value.replace("'", "''") + "'"
