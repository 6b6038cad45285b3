"""One leg's audio from one format to another, packet by packet: decoded, cut into frames of 20 ms, encoded, on one unbroken clock.

Nothing waits for anything: a frame goes out with the tick in which its last sample came. A lost packet leaves its gap in the sequence numbers that
go out, a pause only one in the timestamps, and a packet that was overtaken is dropped, for the decoders remember what came before.
"""

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from msgspec.structs import replace

from trunkline.media.rtp import FIXED, MARKER, is_rtp, payload_bounds
from trunkline.media.telephone_event import Event, parse_event
from trunkline.media.transcoding import MASK, Conversion
from trunkline.studio.voice import DECODED_HZ, FRAMES_PER_S, Decoder, Encoder, Resampler, Samples, decoder_of, encoded_hz, encoder_of

LOST_LIMIT = 50
"Frames: what is missing for longer is a pause, whatever the sequence numbers say."
JUMP_S = 10.0
"A source whose timestamps leap further than this has set its clock anew."
ASTRAY = 4
"Packets in a row that came too late: the source counts anew."
HALF = 1 << 31
NARROW_HZ = 8000
"Rate at which keys are listened for."


class Frame(NamedTuple):
    """20 ms that wait for the tick."""

    samples: Samples
    stamp: int
    lost: int
    "Frames lost before it."
    marker: bool


class Press(NamedTuple):
    """A telephone-event that waits for its turn among the frames."""

    payload: bytes
    stamp: int
    lost: int
    marker: bool


class Converter:
    """The stream of one leg. `take` its packets, then `finish` what `waiting` holds."""

    __slots__ = (
        "_astray", "_clocks", "_decoders", "_encoder", "_event_in", "_event_out", "_hz", "_last_at", "_lost", "_mark", "_names", "_next", "_out", "_partial",
        "_resampler", "_sequence", "_sequence_out", "_source_hz", "_ssrc", "port", "waiting", "wish",
    )  # fmt: skip

    def __init__(self, wish: Conversion, port: int) -> None:
        self.port = port
        self.wish = wish
        self.waiting: deque[Frame | Press] = deque()
        self._names: dict[int, str] = {}
        self._clocks: Mapping[int, int] = {}
        self._decoders: dict[str, Decoder] = {}
        self._encoder: Encoder | None = None
        self._resampler: Resampler | None = None
        self._hz = self._source_hz = 0
        "Rates of what is encoded, and of what was decoded last."
        self._ssrc = -1
        self._sequence = self._sequence_out = self._astray = self._lost = 0
        self._next = 0
        "Timestamp after the newest sample that has come."
        self._out = 0
        "Timestamp, on the clock that goes out, of the first sample not yet in a frame."
        self._partial: Samples = np.zeros(0, np.int16)
        self._mark = True
        self._event_in = self._event_out = -1
        self._last_at = 0.0
        self.describe(wish)

    def describe(self, wish: Conversion) -> None:
        """What its payload types mean, and what is to become of them, from here on."""
        if wish.codec.upper() != self.wish.codec.upper():
            self._encoder = None
        self.wish = wish
        self._names = {payload: name.upper() for payload, name in wish.formats.items()}
        self._clocks = wish.rates

    @property
    def frame_units(self) -> int:
        return self.wish.clock_rate // FRAMES_PER_S

    def take(self, datagram: memoryview, now: float) -> None:
        """Take a packet in. What is no RTP, comes too late or cannot be decoded goes no further."""
        bounds = payload_bounds(datagram) if is_rtp(datagram) else None
        if bounds is None:
            return
        _, second, sequence, stamp, ssrc = FIXED.unpack_from(datagram)
        if ssrc != self._ssrc:
            self._begin(ssrc, sequence, stamp, now)
        missing = (sequence - self._sequence) & 0xFFFF
        if missing >= 0x8000:
            self._astray += 1
            if self._astray < ASTRAY:
                return
            self._begin(ssrc, sequence, stamp, now)
            missing = 0
        self._astray = 0
        self._sequence = (sequence + 1) & 0xFFFF
        self._last_at = now
        payload = bytes(datagram[bounds[0] : bounds[1]])
        number = second & 0x7F
        name = self._names.get(number, "")
        if not payload:
            return
        if name == "TELEPHONE-EVENT":
            self._take_event(payload, number, stamp, missing, second >= MARKER)
        elif name in DECODED_HZ:
            self._take_audio(payload, name, self._clocks.get(number, 8000), stamp, missing)

    def finish(self, frame: Frame | Press) -> bytes:
        """The packet that comes of a frame; empty where nothing does."""
        wish = self.wish
        self._sequence_out = (self._sequence_out + frame.lost) & 0xFFFF
        if isinstance(frame, Press):
            payload, number = frame.payload, wish.event
        else:
            payload, number = self._encode(frame.samples), wish.payload
        if not payload:
            return b""
        head = FIXED.pack(0x80, number | (MARKER if frame.marker else 0), self._sequence_out, frame.stamp & 0xFFFF_FFFF, wish.token)
        self._sequence_out = (self._sequence_out + 1) & 0xFFFF
        return head + payload

    def narrow(self, frame: Frame) -> Frame | None:
        """The frame at 8 kHz, where one of its ends is that; None where neither is, and no key can be heard."""
        if len(frame.samples) == NARROW_HZ // FRAMES_PER_S:
            return frame
        source_hz = len(frame.samples) * FRAMES_PER_S
        if encoded_hz(self.wish.codec.upper(), source_hz) != NARROW_HZ:
            return None
        return frame._replace(samples=self._resample(frame.samples, source_hz, NARROW_HZ))

    def _encode(self, samples: Samples) -> bytes:
        codec, source_hz = self.wish.codec.upper(), len(samples) * FRAMES_PER_S
        if self._encoder is None:
            # Fixed by what came first: an encoder's rate is for life.
            self._hz = encoded_hz(codec, source_hz)
            self._encoder = encoder_of(codec, self._hz)
        return self._encoder.encode(self._resample(samples, source_hz, self._hz))

    def _resample(self, samples: Samples, source_hz: int, target_hz: int) -> Samples:
        if source_hz == target_hz:
            return samples
        if self._resampler is None or self._source_hz != source_hz:
            self._source_hz = source_hz
            self._resampler = Resampler(source_hz, target_hz)
        return self._resampler.convert(samples)

    def _begin(self, ssrc: int, sequence: int, stamp: int, now: float) -> None:
        """Another source, or the same that counts anew: its clock is joined to ours."""
        if self._ssrc >= 0:
            self._out += max(self.frame_units, round((now - self._last_at) * self.wish.clock_rate))
            self._mark = True
        self._ssrc, self._sequence, self._next = ssrc, sequence, stamp
        self._partial = self._partial[:0]
        self._decoders.clear()
        self._event_in = -1
        self._astray = 0

    def _take_audio(self, payload: bytes, name: str, clock: int, stamp: int, missing: int) -> None:
        decoder = self._decoders.get(name)
        if decoder is None:
            decoder = self._decoders[name] = decoder_of(name)
        samples = decoder.decode(payload)
        hz = DECODED_HZ[name]
        size = hz // FRAMES_PER_S
        ahead = ((stamp - self._next + HALF) & 0xFFFF_FFFF) - HALF
        if ahead:
            self._leap(ahead, clock, size, missing)
        self._next = (stamp + len(samples) * clock // hz) & 0xFFFF_FFFF
        if len(self._partial):
            samples = np.concatenate([self._partial, samples])
        whole = len(samples) // size * size
        for at in range(0, whole, size):
            self._add(samples[at : at + size])
        self._partial = samples[whole:]

    def _leap(self, ahead: int, clock: int, size: int, missing: int) -> None:
        """The next sample is not the one after the last: a loss, a pause, or a clock set anew."""
        rest = len(self._partial)
        if rest:
            self._add(np.concatenate([self._partial, np.zeros(size - rest, np.int16)]))
            ahead -= (size - rest) * clock // (size * FRAMES_PER_S)
            self._partial = self._partial[:0]
        if not 0 < ahead <= JUMP_S * clock:
            self._mark = True
            return
        units = ahead * self.wish.clock_rate // clock
        self._out += units
        frames = round(units / self.frame_units)
        if missing and frames <= LOST_LIMIT:
            self._lost += frames
        else:
            self._mark = True

    def _add(self, samples: Samples) -> None:
        self.waiting.append(Frame(samples, self._out, self._lost, self._mark))
        self._out += self.frame_units
        self._lost, self._mark = 0, False

    def _take_event(self, payload: bytes, number: int, stamp: int, missing: int, marker: bool) -> None:
        event = parse_event(payload)
        if not isinstance(event, Event) or self.wish.event < 0:
            return
        rate = self._clocks.get(number, 8000)
        if stamp != self._event_in:
            self._event_in = stamp
            ahead = ((stamp - self._next + HALF) & 0xFFFF_FFFF) - HALF
            within = ahead if 0 < ahead <= JUMP_S * rate else 0
            self._event_out = self._out + within * self.wish.clock_rate // rate
        duration = min(0xFFFF, event.duration * self.wish.event_rate // rate)
        scaled = replace(event, duration=duration)
        # An end that is repeated on a path that loses packets shows as the loss it is.
        self.waiting.append(Press(scaled.encode(), self._event_out, min(missing, LOST_LIMIT), marker))


def blanked(frame: Frame) -> Frame:
    """The frame in silence."""
    return frame._replace(samples=np.zeros_like(frame.samples))


def is_secret(wish: Conversion) -> bool:
    return wish.keys == MASK
