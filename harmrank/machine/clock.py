"""The current time in UTC, in the two forms that harmrank keeps."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the current UTC time without a time zone, as the TIMESTAMP columns of the warehouse hold it."""
    return datetime.now(UTC).replace(tzinfo=None)


def utc_text(timespec: str = "seconds") -> str:
    """Returns the current UTC time as ISO text with a Z (`2026-06-30T09:00:00Z`), to the `timespec` of isoformat."""
    return utc_now().isoformat(timespec=timespec) + "Z"
