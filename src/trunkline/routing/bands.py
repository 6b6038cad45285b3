"""Time bands: which part of the callee's week it is."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from trunkline.policy.snapshot import Band

QUARTER_S = 900
"Zones shift and bands begin on quarter hours at most; a finer band is looked up minute by minute."


class Bands:
    """Looks bands up, and remembers the answer until the next quarter of an hour (the next minute, where a band asks for it)."""

    __slots__ = ("_bands", "_known", "_step_s")

    def __init__(self, bands: tuple[Band, ...]) -> None:
        self._bands = bands
        self._known: dict[str, tuple[int, str]] = {}
        on_quarters = all(band.begins % 15 == 0 and band.ends % 15 == 0 for band in bands)
        self._step_s = QUARTER_S if on_quarters else 60

    def at(self, zone: str, utc_s: float) -> str:
        """Name of the first band that fits, in an IANA zone at a Unix time; empty when none does."""
        if not self._bands:
            return ""
        step = int(utc_s) // self._step_s
        known = self._known.get(zone)
        if known is not None and known[0] == step:
            return known[1]
        name = band_at(self._bands, datetime.fromtimestamp(utc_s, ZoneInfo(zone)))
        self._known[zone] = (step, name)
        return name


def band_at(bands: tuple[Band, ...], local: datetime) -> str:
    """Name of the first band that holds a local time."""
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local - timedelta(days=1)).weekday()
    for band in bands:
        if band.begins < band.ends:
            inside = band.begins <= minute < band.ends and _on(band, today)
        else:
            inside = (minute >= band.begins and _on(band, today)) or (minute < band.ends and _on(band, yesterday))
        if inside:
            return band.name
    return ""


def _on(band: Band, day: int) -> bool:
    return not band.days or day in band.days
