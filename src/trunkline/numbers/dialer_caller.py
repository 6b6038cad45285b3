"""A caller ID the dialer sent: honour it, replace it, or refuse the call (row N13).

A number that cannot exist, that nobody was given, or whose owner never calls with it is refused whatever the trunk's rule, unless the rule is to
show another anyway. An honoured number keeps every cap and rest of a chosen one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from trunkline.facts import refusal as catalogue
from trunkline.facts.refusal import Refusal

from .choice import Ask, Choice, Chosen, Nobody, choose, excluded
from .contacts import Contacts
from .inventory import implausible
from .lifecycle import ACTIVE
from .seats import Seats


class Rule(StrEnum):
    """What a trunk does with the caller ID its dialer sends."""

    HONOUR = "honour"
    "Use it, or refuse the call."
    PREFER = "prefer"
    "Use it when it may be used, else one of the pool."
    REPLACE = "replace"
    "Always one of the pool."


@dataclass(frozen=True)
class Ranges:
    """What is known about other people's numbers."""

    never: Callable[[str], bool] = lambda number: False
    "Whether an E.164 number is on a do-not-originate list."
    allocated: Callable[[str], bool] = lambda number: True
    "Whether its range was given to anybody."


def present(sent: str, rule: Rule, ask: Ask, ranges: Ranges, seats: Seats, contacts: Contacts, at: int, random: Random) -> Choice:
    """The number a call is made with when its dialer sent `sent` (E.164; empty when it sent none)."""
    if rule is Rule.REPLACE or (not sent and rule is Rule.PREFER):
        return choose(ask, seats, contacts, at, random)
    impossible = _impossible(sent, ranges, seats)
    if impossible is not None:
        return Nobody(impossible, {})
    seat = seats.by_number.get(sent)
    refusal = _unfit(sent, ask, seats, at)
    if refusal is None and seat is not None:
        return Chosen(sent, "dialer", -1.0, 1, excluded(seat.pool), seat.suspected)
    if rule is Rule.PREFER:
        return choose(ask, seats, contacts, at, random)
    return Nobody(refusal or catalogue.NOT_OWNED, {})


def _impossible(sent: str, ranges: Ranges, seats: Seats) -> Refusal | None:
    if implausible(sent):
        return catalogue.INVALID_CALLER
    if ranges.never(sent):
        return catalogue.DO_NOT_ORIGINATE
    if sent not in seats.by_number and not ranges.allocated(sent):
        return catalogue.UNALLOCATED_CALLER
    return None


def _unfit(sent: str, ask: Ask, seats: Seats, at: int) -> Refusal | None:
    """Why the number may not be used; None when it may."""
    seat = seats.by_number.get(sent)
    # Another use of the same tenant is another reputation: pools are not mixed, not even by the dialer's wish.
    if seat is None or seat.holding.owner != ask.owner or (ask.pool and seat.holding.pool != ask.pool):
        return catalogue.NOT_OWNED
    if not seat.is_proven(at):
        return catalogue.UNPROVEN
    if seat.life.state not in ACTIVE:
        return catalogue.RESTING
    if ask.kinds is not None and seat.bucket.kind not in ask.kinds:
        return catalogue.NOT_PRESENTABLE
    return None if seats.fit(seat, at) else catalogue.CAPPED
