"""Dates and durations as numbers of days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["AMBIGUOUS", "Days", "days_of_objects", "days_of_text", "days_of_times", "told_days"]

AMBIGUOUS = "dates that can be read in two ways"

DAY = np.timedelta64(1, "D")

EPOCH = datetime(1970, 1, 1)

_TIME = r"(?:[T ]+(?P<time>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?))? ?(?P<zone>Z|UTC|[+-]\d{2}:?(?:\d{2})?)?"
_YEAR_FIRST = re.compile(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<first>\d{1,2})(?P=mark)(?P<second>\d{1,2})" + _TIME)
_YEAR_LAST = re.compile(r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})" + _TIME)


class Days(NamedTuple):
    """days: since 1970, (n,); day_first: whether the day stands before the month, None where the year is first."""

    days: NDArray[np.float64]
    day_first: bool | None


def told_days(kind: str, days: float, /) -> str:
    """A date (days since 1970) or a duration (days) as people write it.

    >>> told_days("date", 19723.5), told_days("date", 19723.0), told_days("duration", 1.25)
    ('2024-01-01 12:00:00', '2024-01-01', '1.25 days')
    """
    if kind == "duration":
        return f"{days:.6g} days"
    moment = np.datetime64(0, "s") + np.timedelta64(round(days * 86_400), "s")
    day, _, clock = str(moment).partition("T")
    return day if clock == "00:00:00" else f"{day} {clock}"


def days_of_times(cells: NDArray[Any], /) -> NDArray[np.float64]:
    """NumPy's dates or durations (n,) in days, dates since 1970; NaN where there is none."""
    days = (cells - np.datetime64("1970-01-01") if cells.dtype.kind == "M" else cells) / DAY
    return np.where(np.isnat(cells), np.nan, days)


def days_of_objects(cells: Sequence[Any], /) -> tuple[str, NDArray[np.float64]] | None:
    """Dates or durations in days, and 'date' or 'duration'; None if they are something else, or mixed.

    They are Python's, or NumPy's, of which a file's column is one of objects where it has holes.
    """
    for kind, what in ((np.datetime64, "date"), (np.timedelta64, "duration")):
        if all(isinstance(cell, kind) for cell in cells):
            return what, days_of_times(np.asarray(cells))
    if all(isinstance(cell, date) for cell in cells):  # a datetime is a date
        return "date", np.asarray([_days(_moment(cell)) for cell in cells])
    if all(isinstance(cell, timedelta) for cell in cells):
        return "duration", np.asarray([cell / timedelta(days=1) for cell in cells])
    return None


def days_of_text(cells: Sequence[str], /, *, day_first: bool | None = None) -> Days | str | None:
    """Text in days since 1970, if all of it is dates; `AMBIGUOUS` where 1/2/1999 may be of two months; else None.

    2026-11-27, 2026/11/27, 27/11/2026, 11/27/2026, 27.11.2026 (with points the day is first), each also with a time of
    the day, which may have a zone. Which of two numbers is the month is told by the whole column; day_first: which of
    them is meant where it does not tell.
    """
    for form in (_YEAR_FIRST, _YEAR_LAST):
        if not cells or form.fullmatch(cells[0]) is None:
            continue
        found = [form.fullmatch(cell) for cell in cells]
        matches = [one for one in found if one is not None]
        if len(matches) < len(cells):
            return None
        if form is _YEAR_FIRST:
            whole = _whole(matches, day_first=False)
            return None if whole is None else whole._replace(day_first=None)
        if all(one["mark"] == "." for one in matches):
            return _whole(matches, day_first=True)
        ways = [_whole(matches, day_first=first) for first in (True, False)]
        possible = [way for way in ways if way is not None]
        if len(possible) == 2 and not np.array_equal(possible[0].days, possible[1].days):
            return AMBIGUOUS if day_first is None else possible[not day_first]
        return possible[0] if possible else None
    return None


def _whole(matches: Sequence[re.Match[str]], *, day_first: bool) -> Days | None:
    """All matches in days, or None if one of them is no day of the calendar."""
    try:
        return Days(np.asarray([_days_of(one, day_first=day_first) for one in matches]), day_first)
    except ValueError:
        return None


def _days_of(match: re.Match[str], *, day_first: bool) -> float:
    month, day = (match["second"], match["first"]) if day_first else (match["first"], match["second"])
    hour, minute, second = [*(match["time"] or "0:0:0").replace(",", ".").split(":"), "0"][:3]
    days = _days(datetime(int(match["year"]), int(month), int(day), int(hour), int(minute)))
    zone = (match["zone"] or "Z").replace(":", "")
    away = 0 if zone in ("Z", "UTC") else int(f"{zone[0]}1") * (60 * int(zone[1:3]) + int(zone[3:] or 0))
    if float(second) >= 60:
        raise ValueError(f"{second} seconds")
    return days + float(second) / 86400 - away / 1440


def _moment(given: date) -> datetime:
    """Without a zone, in UTC."""
    if not isinstance(given, datetime):
        return datetime(given.year, given.month, given.day)
    return given if given.tzinfo is None else given.astimezone(UTC).replace(tzinfo=None)


def _days(moment: datetime) -> float:
    return (moment - EPOCH) / timedelta(days=1)
