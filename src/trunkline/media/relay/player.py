"""Packets of our own towards a leg, one every 20 ms: an announcement in G.711, or keys pressed.

All players of a worker advance on one tick. While one plays, what others send to the leg is left out; the leg hears one stream
throughout.
"""

import wave
from collections import deque
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from trunkline.media.g711 import LAWS
from trunkline.media.inband_digits import make_digits
from trunkline.media.relay.leg import Leg
from trunkline.media.rtp import FIXED, MARKER
from trunkline.media.telephone_event import DIGITS, event_packets

TICK_S = 0.02
RATE = 8000
FRAME = 160
"Samples, and octets of G.711."
LONGEST_S = 300
"Longest announcement; all of it is read at once."
WAY_ROUND = 4
"Ticks after the last frame in which it comes back from a transcoder."
PAUSE_S = 0.06
"Between two presses (ITU-T Q.24 wants 40 ms at least)."


class UnplayableError(Exception):
    """The leg or the file is not such that this can be played; the text says why."""


class Player(Protocol):
    """Something that sends to a leg on the tick."""

    leg: Leg

    def tick(self, now: float) -> bool:
        """Send what is due; False when that was the last."""


class Frames:
    """Frames of G.711 one after another."""

    def __init__(self, leg: Leg, frames: Iterator[bytes]) -> None:
        self.leg = leg
        self._frames = frames
        self._stamp: int | None = None
        self._worked = leg.place.prompt
        self._sent = self._ended = 0

    def tick(self, now: float) -> bool:
        frame = next(self._frames, None)
        if frame is None:
            self._ended += 1
            return self._worked is not None and self._ended < WAY_ROUND
        if self._worked is not None:
            self._sent += 1
            self.leg.prompt(FIXED.pack(0x80, 0, self._sent & 0xFFFF, self._sent * FRAME & 0xFFFF_FFFF, self._worked.token) + frame)
            return True
        stream = self.leg.begin_stream()
        sequence, stamp = stream.claim(now)
        marker = MARKER if self._stamp is None else 0
        # A clock of its own: `claim` goes by the time of the call, which trembles with the loop.
        self._stamp = stamp if self._stamp is None else (self._stamp + FRAME) & 0xFFFF_FFFF
        self.leg.transmit(FIXED.pack(0x80, self.leg.place.payload | marker, sequence, self._stamp, stream.ssrc) + frame)
        stream.sent(self._stamp, len(frame), now)
        return True


class Announcement(Frames):
    """A file."""

    def __init__(self, leg: Leg, file: str, frames: Iterator[bytes]) -> None:
        super().__init__(leg, frames)
        self.file = file


class Keys:
    """Keys pressed one after another, however they came to be asked for: a second one neither cuts the first short nor waits for it to be asked again."""

    def __init__(self, player: Player) -> None:
        self.leg = player.leg
        self._players = deque([player])

    def then(self, other: "Keys") -> None:
        """Press these after what is being pressed."""
        self._players.extend(other._players)

    def tick(self, now: float) -> bool:
        if not self._players[0].tick(now):
            self._players.popleft()
        return bool(self._players)


class Presses:
    """Keys as telephone events (RFC 4733)."""

    def __init__(self, leg: Leg, digits: str, duration_s: float) -> None:
        self.leg = leg
        self._began_at: float | None = None
        self._stamp = 0
        at = 0.0
        self._packets = []
        for digit in digits:
            packets = event_packets(digit, duration_s, clock_rate=leg.place.event_rate)
            self._packets += [(at + packet.at, round(at * leg.place.clock_rate), packet) for packet in packets]
            at += packets[-1].at + PAUSE_S
        self._ends_at = at
        self._packets.reverse()

    def tick(self, now: float) -> bool:
        stream, place = self.leg.begin_stream(), self.leg.place
        if self._began_at is None:
            self._began_at = now
        while self._packets and self._packets[-1][0] <= now - self._began_at + TICK_S / 2:
            _, offset, packet = self._packets.pop()
            sequence, stamp = stream.claim(now)
            if packet.marker and not offset:
                self._stamp = stamp
            stamp = (self._stamp + offset + packet.timestamp_offset * place.clock_rate // place.event_rate) & 0xFFFF_FFFF
            second = place.event_out | (MARKER if packet.marker else 0)
            self.leg.transmit(FIXED.pack(0x80, second, sequence, stamp, stream.ssrc) + packet.event.encode())
            stream.sent(stamp, 4, now)
        # The pause after the last is its own: what comes next may be another key.
        return bool(self._packets) or now - self._began_at + TICK_S / 2 < self._ends_at


def announce(leg: Leg, file: str, times: int) -> Announcement:
    """Play a WAV file (8 kHz, 16 bit, mono) `times` times, with 0 until it is stopped. Raises `UnplayableError`."""
    try:
        with wave.open(str(Path(file)), "rb") as sound:
            if (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) != (RATE, 2, 1):
                raise UnplayableError(f"{file}: not 8 kHz, 16 bit, mono")
            if sound.getnframes() > LONGEST_S * RATE:
                raise UnplayableError(f"{file}: longer than {LONGEST_S} s")
            data = sound.readframes(sound.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise UnplayableError(f"{file}: {error}") from error
    frames = _frames(leg, np.frombuffer(data, "<i2").astype(np.int16))
    if not frames:
        raise UnplayableError(f"{file}: empty")
    return Announcement(leg, file, chain.from_iterable(repeat(frames, times) if times > 0 else repeat(frames)))


def press(leg: Leg, digits: str, duration_ms: int) -> Keys:
    """Press keys as the leg wants them. Raises `UnplayableError` for keys there are not, and for a leg that wants neither events nor audio."""
    digits = digits.upper()
    if not digits or set(digits) - set(DIGITS):
        raise UnplayableError(f"no such keys: {digits!r}")
    duration_s = min(max(duration_ms, 40), 10_000) / 1000
    place = leg.place
    if place.digits == "event" and place.event_out >= 0:
        return Keys(Presses(leg, digits, duration_s))
    if place.digits == "info":
        raise UnplayableError("the leg wants its digits by INFO")
    return Keys(Frames(leg, iter(_frames(leg, make_digits(digits, duration_s, PAUSE_S)))))


def _frames(leg: Leg, samples: NDArray[np.int16]) -> list[bytes]:
    law = LAWS.get(leg.place.codec.upper() if leg.place.prompt is None else "PCMU")
    if law is None or leg.place.payload < 0:
        raise UnplayableError(f"the leg's codec is {leg.place.codec or 'not known yet'}, not G.711")
    codes = law.encode_bytes(samples)
    return [codes[at : at + FRAME].ljust(FRAME, bytes([law.silence])) for at in range(0, len(codes), FRAME)]
