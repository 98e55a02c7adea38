"""Dates as they are written in India."""

import re
from datetime import date

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")


def day(text: str) -> str | None:
    """A date as YYYY-MM-DD: ISO, or day first, as India writes it."""
    if match := _ISO.search(text):
        year, month, of_month = match.groups()
    elif match := _DAY_FIRST.search(text):
        of_month, month, year = match.groups()
    else:
        return None
    try:
        return date(int(year), int(month), int(of_month)).isoformat()
    except ValueError:
        return None
