"""The conversions of one worker: packets taken in as they come, worked on together once a tick.

Keys are listened for in all lines at once. A frame in which one may be begun is silenced before it goes on, so that a far end is told of a key
once, by an event, or not at all.
"""

from collections.abc import Callable, Iterator

import numpy as np

from trunkline.media.inband_digits import DigitOver, InbandDigits
from trunkline.media.transcoding import TELL, Conversion
from trunkline.studio.converter import Converter, Frame, blanked, is_secret
from trunkline.studio.protocol import KeyHeard, Message


class Booth:
    """Up to `rows` conversions."""

    def __init__(self, rows: int, tell: Callable[[Message], None]) -> None:
        self.converters: dict[tuple[str, int], Converter] = {}
        self._tell = tell
        self._keys = InbandDigits(rows)
        self._free = list(range(rows - 1, -1, -1))
        self._rows: dict[Converter, int] = {}
        "Of those that are listened to for keys."
        self._by_row: list[Converter | None] = [None] * rows

    def open(self, wish: Conversion, port: int) -> Converter | None:
        """Begin a conversion, or change one; the converter when it is new. Raises IndexError when there is no room, which the engine sees to."""
        known = self.converters.get((wish.call, wish.leg))
        converter = known
        if converter is None:
            converter = self.converters[wish.call, wish.leg] = Converter(wish, port)
        else:
            converter.describe(wish)
        if wish.keys and converter not in self._rows:
            row = self._rows[converter] = self._free.pop()
            self._by_row[row] = converter
            self._keys.reset(row)
        elif not wish.keys:
            self._deafen(converter)
        return converter if known is None else None

    def end(self, call: str, leg: int) -> list[Converter]:
        """A conversion, or with -1 all of a call, is over; those that were."""
        gone = [converter for (name, number), converter in self.converters.items() if name == call and leg in (-1, number)]
        for converter in gone:
            self._deafen(converter)
            del self.converters[converter.wish.call, converter.wish.leg]
        return gone

    def tick(self) -> Iterator[tuple[Converter, bytes]]:
        """The packets that are due, with the converter each is of."""
        listened = [converter for converter in self._rows if converter.waiting]
        if listened:
            self._listen(listened)
        for converter in self.converters.values():
            waiting = converter.waiting
            while waiting:
                packet = converter.finish(waiting.popleft())
                if packet:
                    yield converter, packet

    def _listen(self, converters: list[Converter]) -> None:
        """Hear what waits, the first frames of all lines together, then the second ones: a burst brings several."""
        depth = max(len(converter.waiting) for converter in converters)
        for place in range(depth):
            rows, frames, where = [], [], []
            for converter in converters:
                waiting = converter.waiting
                frame = waiting[place] if place < len(waiting) else None
                if not isinstance(frame, Frame):
                    continue
                narrow = converter.narrow(frame)
                if narrow is None:
                    # No key is heard at this rate; one that must not be known is not risked.
                    waiting[place] = blanked(frame) if is_secret(converter.wish) else frame
                    continue
                waiting[place] = narrow
                rows.append(self._rows[converter])
                frames.append(narrow.samples)
                where.append(converter)
            if not rows:
                continue
            told, mask = self._keys.hear(np.stack(frames), np.array(rows, np.intp))
            for at in np.flatnonzero(mask):
                waiting = where[at].waiting
                frame = waiting[place]
                if isinstance(frame, Frame):
                    waiting[place] = blanked(frame)
            for key in told:
                heard = self._by_row[key.row]
                if isinstance(key, DigitOver) and heard is not None and heard.wish.keys == TELL:
                    self._tell(KeyHeard(heard.wish.call, heard.wish.leg, key.digit, round(key.duration_s * 1000)))

    def _deafen(self, converter: Converter) -> None:
        row = self._rows.pop(converter, None)
        if row is not None:
            self._by_row[row] = None
            self._free.append(row)
