"""The audio of all lines, one frame of each a tick.

A ring of frames, a row per line: packets are written ahead of the tick at the place their timestamps say, so order does not matter; what has
not come when its tick does is absent. Packets of G.711 that fill a frame exactly, nearly all there are, are gathered and decoded together.
"""

import numpy as np
from numpy.typing import NDArray

from trunkline.listen import FRAME
from trunkline.media.g711 import LAWS, Law
from trunkline.media.rtp import FIXED, HEADER_SIZE, MARKER, is_rtp, payload_bounds
from trunkline.studio.formats import Use, WideDecoder
from trunkline.studio.line import Line

SLOTS = 64
"Frames of the ring: 1.28 s."
LIMIT = (SLOTS - 16) * FRAME
"Samples ahead of the tick that a packet may begin; the rest holds what it brings, up to 300 ms."
LONGEST = 15 * FRAME
"Samples of one packet."
STRANGE = 50
"Packets without one of audio among them: a second. Keys pressed on a payload type that nobody named are fewer."
NOISES = 16
"Different frames of comfort noise, taken in turn: one alone would be a tone of 50 Hz."

Frames = NDArray[np.int16]
Mask = NDArray[np.bool_]


class Waiting:
    """Whole frames of one law, to be decoded at the next tick."""

    __slots__ = ("at", "law", "payloads")

    def __init__(self, law: Law) -> None:
        self.law = law
        self.payloads: list[bytes] = []
        self.at: list[int] = []
        "Index into slots times rows."


class Buffer:
    """Up to `rows` lines."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.now = 0
        "Position of the next tick, in samples."
        self.garbage = 0
        "Datagrams that were no RTP."
        self._ring = np.zeros((SLOTS * rows, FRAME), np.int16)
        self._filled = np.zeros(SLOTS * rows, np.int32)
        "Samples written, of each frame."
        self._waiting = {name: Waiting(law) for name, law in LAWS.items()}
        self._comfort = np.zeros(rows, np.float32)
        "RMS of a line's comfort noise, full scale 1 (the 0 dBov of RFC 3389); 0 without."
        noise = np.random.default_rng(3389).standard_normal((NOISES, FRAME))
        self._noises = (noise * 32768).astype(np.float32)

    def open(self, row: int) -> None:
        """A line begins at `row`: nothing of the one before is left."""
        self._settle()
        self._ring.reshape(SLOTS, self.rows, FRAME)[:, row] = 0
        self._filled.reshape(SLOTS, self.rows)[:, row] = 0
        self._comfort[row] = 0

    def receive(self, line: Line, datagram: memoryview) -> str | None:
        """Take a packet in; the name of its encoding when it is one of `STRANGE` in a row that cannot be decoded."""
        if not is_rtp(datagram):
            self.garbage += 1
            return None
        first, second, sequence, stamp, ssrc = FIXED.unpack_from(datagram)
        start, end = HEADER_SIZE, len(datagram)
        if first != 0x80:
            bounds = payload_bounds(datagram)
            if bounds is None:
                self.garbage += 1
                return None
            start, end = bounds
        form = line.formats[second & 0x7F]
        use = form.use
        if use is Use.LAW:
            size = end - start
            if not 0 < size <= LONGEST:
                return None
            position = line.place(ssrc, sequence, stamp, 1, size, second >= MARKER, self.now, LIMIT)
            if position is None:
                return None
            line.strange = 0
            if self._comfort[line.row]:
                self._comfort[line.row] = 0
            if size == FRAME and not position % FRAME:
                waiting = self._waiting[form.name]
                waiting.payloads.append(bytes(datagram[start:end]))
                waiting.at.append(position // FRAME % SLOTS * self.rows + line.row)
            elif form.law is not None:
                self._write(line.row, position, form.law.decode_bytes(datagram[start:end]))
            return None
        if use is Use.WIDE:
            position = line.place(ssrc, sequence, stamp, form.stride, FRAME, second >= MARKER, self.now, LIMIT)
            if position is not None:
                if line.decoder is None or line.decoder[0] != form.name:
                    line.decoder = (form.name, WideDecoder(form.name))
                line.strange, self._comfort[line.row] = 0, 0
                self._write(line.row, position, line.decoder[1].decode(bytes(datagram[start:end]))[:LONGEST])
            return None
        if use is Use.NOISE and end > start and ssrc == line.ssrc:
            self._comfort[line.row] = 10 ** (-(datagram[start] & 0x7F) / 20)
        if use is not Use.NONE:
            return None
        line.strange += 1
        return form.name if line.strange >= STRANGE else None

    def take(self) -> tuple[Frames, Mask]:
        """The frames of the tick that begins now, int16 [rows, 160], and which of them came; absent ones hold zeros. Valid until the next."""
        self._settle()
        before = (self.now // FRAME - 1) % SLOTS * self.rows
        self._ring[before : before + self.rows] = 0
        self._filled[before : before + self.rows] = 0
        at = self.now // FRAME % SLOTS * self.rows
        self.now += FRAME
        frames = self._ring[at : at + self.rows]
        return frames, self._filled[at : at + self.rows] * 2 >= FRAME

    def ahead(self, until: int) -> list[Frames]:
        """The frames from the next tick on that have come already, up to position `until`; valid until the next tick."""
        self._settle()
        ticks = range(self.now // FRAME, min(-(-until // FRAME), self.now // FRAME + SLOTS - 1))
        return [self._ring[tick % SLOTS * self.rows :][: self.rows] for tick in ticks]

    def comforted(self, frames: Frames, present: Mask) -> tuple[Frames, Mask]:
        """The same with comfort noise in place of absent frames, for those who listen: a pause that was announced is not a lost line."""
        quiet = np.flatnonzero((self._comfort > 0) & ~present)
        if not len(quiet):
            return frames, present
        frames, present = frames.copy(), present.copy()
        noise = self._noises[self.now // FRAME % NOISES]
        frames[quiet] = np.clip(noise * self._comfort[quiet, None], -32768, 32767).astype(np.int16)
        present[quiet] = True
        return frames, present

    def skip(self, ticks: int) -> None:
        """Let `ticks` pass unheard."""
        self._settle()
        self.now += ticks * FRAME
        if ticks >= SLOTS:
            self._ring[:] = 0
            self._filled[:] = 0
            return
        for back in range(1, ticks + 2):
            at = (self.now // FRAME - back) % SLOTS * self.rows
            self._ring[at : at + self.rows] = 0
            self._filled[at : at + self.rows] = 0

    def _settle(self) -> None:
        """Decode what waits, all lines together."""
        for waiting in self._waiting.values():
            if waiting.at:
                codes = np.frombuffer(b"".join(waiting.payloads), np.uint8).reshape(-1, FRAME)
                self._ring[waiting.at] = waiting.law.decode(codes)
                self._filled[waiting.at] = FRAME
                waiting.payloads.clear()
                waiting.at.clear()

    def _write(self, row: int, position: int, samples: Frames) -> None:
        """Write samples that do not fill a frame exactly."""
        late = self.now - position
        if late > 0:
            samples, position = samples[late:], self.now
        done = 0
        while done < len(samples):
            offset = (position + done) % FRAME
            size = min(FRAME - offset, len(samples) - done)
            at = (position + done) // FRAME % SLOTS * self.rows + row
            self._ring[at, offset : offset + size] = samples[done : done + size]
            self._filled[at] = min(FRAME, self._filled[at] + size)
            done += size
