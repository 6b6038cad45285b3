"""What few packets of a leg need: keys told, kept back or conveyed another way, audio kept back, copies for the studio.

What a leg presses while it is masked is looked at by nobody: no event, no copy, no state that a later event could betray it by.
"""

from typing import TYPE_CHECKING

from trunkline.media.engine import Block, DigitHeard
from trunkline.media.relay.protocol import Place
from trunkline.media.relay.source import Address
from trunkline.media.rtp import Malformed, payload_bounds
from trunkline.media.telephone_event import Digit, DigitReceiver, Press, parse_event

if TYPE_CHECKING:
    from trunkline.media.relay.leg import Leg, Worker


class Watch:
    """The watch on one leg's packets."""

    __slots__ = ("_blocks", "_copy_to", "_digits", "_worker", "faults", "is_on", "place")

    def __init__(self, worker: "Worker", place: Place) -> None:
        self.place = place
        self.is_on = False
        "Every packet is to be seen, not only those of keys."
        self.faults = 0
        "Telephone-events that were none."
        self._worker = worker
        self._blocks = Block(place.call, place.leg)
        self._copy_to: Address | None = None
        self._digits = DigitReceiver(8000)

    def copy_to(self, address: Address | None) -> None:
        """Copy what arrives from the leg to an address; None ends it."""
        self._copy_to = address
        self._set()

    def block(self, blocks: Block) -> None:
        """Keep digits, audio or both from the others; or keys a secret."""
        if blocks.masked:
            self._digits = DigitReceiver(8000)
        self._blocks = blocks
        self._set()

    def sees(self, packet: memoryview, is_event: bool, target: "Leg | None", now: float) -> bool:
        """Do what a packet needs; False when it goes no further to `target`."""
        blocks = self._blocks
        if blocks.masked:
            worked = self.place.worked
            return not is_event and not blocks.audio and worked is not None and worked.masks
        if self._copy_to is not None:
            self._worker.copy(packet, self._copy_to)
        if not is_event:
            return not blocks.audio
        bounds = payload_bounds(packet)
        event = parse_event(packet[bounds[0] : bounds[1]]) if bounds is not None else Malformed("no payload")
        if isinstance(event, Malformed):
            self.faults += 1
            return False
        self._digits.clock_rate = self.place.told_event_rate
        self._hear(self._digits.receive(event, int.from_bytes(packet[4:8]), now), now)
        return target is not None and not blocks.digits and takes_events(target.place)

    def time_passed(self, now: float) -> None:
        """See to a key whose end was lost; called several times a second."""
        digit = self._digits.time_passed(now)
        if digit is not None:
            self._hear([digit], now)

    def _hear(self, presses: list[Press], now: float) -> None:
        for press in presses:
            if not isinstance(press, Digit):
                continue
            duration_ms = round(press.duration_s * 1000)
            self._worker.tell(DigitHeard(self.place.call, self.place.leg, press.digit, duration_ms))
            if not self._blocks.digits:
                self._worker.convey(self.place, press.digit, duration_ms, now)

    def _set(self) -> None:
        blocks = self._blocks
        self.is_on = self._copy_to is not None or blocks.digits or blocks.audio or blocks.masked


def takes_events(place: Place) -> bool:
    """Whether a leg is sent telephone-events as they come."""
    return place.digits == "event" and place.event_out >= 0
