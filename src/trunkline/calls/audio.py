"""The audio of one call: what one leg's SDP becomes on its way to another.

With the engine `bypass` that is the SDP itself, and the call passes renegotiations through. An engine that anchors the call gives both
sides addresses of its own, so every offer and answer goes by it; one that has to ask somebody else answers later, and what was to be
said waits here in order. The caller is leg 0 of the engine's call, whoever that is after a transfer; an attempt has its own number.
"""

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from msgspec.structs import replace

from trunkline.media import (
    Block,
    Delete,
    MediaAnswer,
    MediaEngine,
    MediaFailed,
    MediaOffer,
    MediaReady,
    MediaResult,
    Play,
    SendDigits,
    Side,
)

CALLER = 0

Told: TypeAlias = MediaReady | MediaFailed
Then: TypeAlias = Callable[[Told, float], None]


class Audio:
    """One call's use of the media engine."""

    __slots__ = ("anchored", "call", "engine", "held", "masked", "waiting")

    def __init__(self, engine: MediaEngine, call: str) -> None:
        self.engine = engine
        self.anchored = engine.anchored
        self.call = call
        self.waiting: deque[tuple[int, Then]] | None = None
        self.held: frozenset[int] = frozenset()
        "Legs whose audio goes to nobody."
        self.masked: frozenset[int] = frozenset()
        "Legs whose keys are a secret."

    def offer(self, source: int, source_side: Side, target: int, side: Side, sdp: bytes, then: Then, now: float) -> None:
        """What `target` is to be offered when `source` described itself so."""
        self._tell(target, self.engine.offer(MediaOffer(self.call, target, sdp, side, source, source_side), now), then, now)

    def answer(self, source: int, target: int, sdp: bytes, then: Then, now: float, early: bool = False) -> None:
        """What `target` is to be told when `source` answered its offer so."""
        self._tell(target, self.engine.answer(MediaAnswer(self.call, target, sdp, source, early), now), then, now)

    def _tell(self, target: int, result: MediaResult, then: Then, now: float) -> None:
        if result is not None:
            then(result, now)
        else:
            self.wait(target, then)

    def wait(self, target: int, then: Then) -> None:
        """The engine has yet to answer what was asked for `target`."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((target, then))

    def ready(self, event: Told, now: float) -> None:
        """The engine has answered; answers for one leg come in the order they were asked for."""
        for entry in self.waiting or ():
            if entry[0] == event.leg:
                assert self.waiting is not None
                self.waiting.remove(entry)
                entry[1](event, now)
                return

    def forget(self, leg: int, now: float) -> None:
        """An attempt is over, the call goes on."""
        if self.anchored:
            self.engine.command(Delete(self.call, leg), now)

    def over(self, now: float) -> None:
        """The call is over; nothing that waits will be said."""
        self.waiting = None
        if self.anchored:
            self.engine.command(Delete(self.call), now)

    def press(self, leg: int, digits: str, duration_ms: int, now: float) -> None:
        """Press keys towards a leg as telephone-events or tones."""
        self.engine.command(SendDigits(self.call, leg, digits, duration_ms), now)

    def hold_back(self, leg: int, held: bool, now: float) -> None:
        """Keep what a leg sends from everybody else, though it goes on being listened to; or let it through again."""
        self.held = self.held | {leg} if held else self.held - {leg}
        self._block(leg, now)

    def mask(self, leg: int, on: bool, now: float) -> None:
        """Keep a leg's keys from everybody, listeners included; or no longer."""
        self.masked = self.masked | {leg} if on else self.masked - {leg}
        self._block(leg, now)

    def _block(self, leg: int, now: float) -> None:
        held, masked = leg in self.held, leg in self.masked
        if self.anchored:
            self.engine.command(Block(self.call, leg, digits=held or masked, audio=held, masked=masked), now)

    def play(self, leg: int, file: str, now: float) -> None:
        """Play a file towards a leg, in place of what it hears."""
        self.engine.command(Play(self.call, leg, file), now)


def side_towards(trunk: Side, gateway: Side) -> Side:
    """The gateway's side of the audio, its ordered codecs narrowed to what the trunk allows; where that is nothing, its own: it takes transcoding."""
    allowed, codecs = trunk.codecs, gateway.codecs
    if not allowed or allowed == codecs:
        return gateway
    return replace(gateway, codecs=tuple(codec for codec in codecs if codec in allowed) or codecs if codecs else allowed)


def media_of(sdp: bytes) -> list[bytes]:
    """An SDP without its origin line, whose version may grow while the media stays."""
    return [line for line in sdp.split(b"\r\n") if not line.startswith(b"o=")]
