"""Date: RFC 1123 form, GMT only (RFC 3261 section 20.17)."""

import re
from datetime import UTC, datetime

from trunkline.sip.fault import Fault

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"[ \t]*(?:{'|'.join(_DAYS)}),[ \t]+([0-9]{{1,2}})[ \t]+({'|'.join(_MONTHS)})[ \t]+([0-9]{{4}})"
    r"[ \t]+([0-9]{2}):([0-9]{2}):([0-9]{2})[ \t]+GMT[ \t]*\Z",
    re.IGNORECASE,
)


def parse_date(text: str) -> int | Fault:
    """UTC seconds since 1970. The day of the week is read and not checked."""
    found = _DATE.match(text)
    if found is None:
        return Fault("Bad Date", "Date")
    month = _MONTHS.index(found[2].title()) + 1
    day, year, hour, minute, second = map(int, found.group(1, 3, 4, 5, 6))
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return Fault("Bad Date", "Date")
    return int(moment.timestamp())


def render_date(utc_s: int) -> str:
    """Whatever the locale says, `Sat, 13 Nov 2010 23:29:00 GMT`."""
    moment = datetime.fromtimestamp(utc_s, UTC)
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
    return f"{day}, {moment.day:02} {month} {moment.year:04} {moment:%H:%M:%S} GMT"
