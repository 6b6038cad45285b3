"""One leg's stream on the clock of the studio: which sample of our time a packet begins at.

All lines play on one tick. A line has an anchor, an RTP timestamp and the position that sample is played at, some ticks after it came so
that packets may overtake each other and come late. The anchor moves when the stream turns out to be elsewhere: a new source, a jump of
its timestamps, a path that has become longer; and by a frame at a time where the two clocks drift apart.
"""

from collections.abc import Mapping

from trunkline.listen import FRAME
from trunkline.studio.formats import Format, WideDecoder, table_of

DELAY = 3
"Ticks that a packet waits: 60 ms, in which those that it overtook may come."
LOST = 3
"Packets in a row that fit nowhere: the stream is elsewhere."
WINDOW = 50
"Packets after which the delay is looked at, a second as a rule."
SLACK = DELAY + 1
"Ticks that a packet may wait at least, for a whole window, before the delay is shortened."
LATE_SHARE = WINDOW // 16
"Late packets in a window after which the delay is lengthened."
HALF = 1 << 31


class Line:
    """A leg. Positions are samples on the studio's clock; `now` is the position to be played next."""

    __slots__ = (
        "_astray", "_candidate", "_late", "_position", "_seen", "_shallowest", "_stamp", "call", "decoder", "formats", "hears", "late", "leg",
        "newest", "port", "row", "ssrc", "started_at", "strange", "told_undecodable",
    )  # fmt: skip

    def __init__(self, call: str, leg: int, port: int, row: int, started_at: float) -> None:
        self.call = call
        self.leg = leg
        self.port = port
        self.row = row
        self.started_at = started_at
        self.formats: tuple[Format, ...] = ()
        self.decoder: tuple[str, WideDecoder] | None = None
        self.hears = False
        self.strange = 0
        "Packets in a row that cannot be decoded."
        self.told_undecodable = False
        self.ssrc = -1
        self.late = 0
        "Packets that came too late, over the line's life."
        self.newest = 0
        "Position after the last sample that has come."
        self._stamp = 0
        self._position = 0
        self._candidate = (-1, -1)
        self._astray = self._late = self._seen = 0
        self._shallowest = HALF

    def describe(self, formats: Mapping[int, str]) -> None:
        """What its payload types mean from here on."""
        self.formats = table_of(formats)
        self.decoder = None
        self.strange = 0
        self.told_undecodable = False

    def place(self, ssrc: int, sequence: int, stamp: int, stride: int, samples: int, marker: bool, now: int, limit: int) -> int | None:
        """Where a packet of `samples` begins, at most `limit` after `now`; None when it is not to be played.

        It may begin before `now` when it ends after it.
        """
        if ssrc != self.ssrc and not self._believes(ssrc, sequence, stamp, now):
            return None
        ahead = ((stamp - self._stamp + HALF) & 0xFFFF_FFFF) - HALF
        position = self._position + ahead // stride
        depth = position - now
        if not -samples < depth <= limit:
            self._astray += 1
            self._late += depth < 0
            self.late += depth < 0
            if not marker and self._astray < LOST:
                return None
            self._anchor(stamp, now)
            position, ahead, depth = self._position, 0, DELAY * FRAME
        self._astray = 0
        if ahead > 0:
            self._stamp, self._position = stamp, self._position + ahead // stride
        self._seen += 1
        if depth < self._shallowest:
            self._shallowest = depth
        if self._seen >= WINDOW:
            self._adjust()
        if position + samples > self.newest:
            self.newest = position + samples
        return position

    def _believes(self, ssrc: int, sequence: int, stamp: int, now: int) -> bool:
        """The first source is believed at once, another after two packets in a row (RFC 3550 appendix A.1)."""
        if self.ssrc >= 0 and self._candidate != (ssrc, sequence):
            self._candidate = (ssrc, (sequence + 1) & 0xFFFF)
            return False
        self.ssrc = ssrc
        self.decoder = None
        self._anchor(stamp, now)
        return True

    def _anchor(self, stamp: int, now: int) -> None:
        self._stamp, self._position = stamp, now + DELAY * FRAME
        self._astray = self._late = self._seen = 0
        self._shallowest = HALF

    def _adjust(self) -> None:
        """Keep the delay near `DELAY`, a frame at a time: what is skipped or repeated then is 20 ms of a second."""
        if self._late > LATE_SHARE:
            self._position += FRAME
        elif self._shallowest > SLACK * FRAME:
            self._position -= FRAME
        self._late = self._seen = 0
        self._shallowest = HALF
