"""What a carrier may bill us for, from the journal: its answered attempts in a period, read as a stream, and how far back and on records reach.

Of a journal of any size only those attempts stay in memory, and of each no more than an invoice is compared with.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trunkline.facts.record import Attempt, Call, Fact
from trunkline.records import segments
from trunkline.routing.decks_reconcile import Ours


class Reach(Struct, frozen=True, gc=False):
    """The time records are kept of, Unix seconds."""

    first_s: float
    "The oldest segment was begun."
    last_s: float
    "The journal was last written, or the node last made a checkpoint."

    def holds(self, began_s: float, ended_s: float) -> bool:
        """Whether a call of that time would be on record: it is written when it ends."""
        return ended_s >= self.first_s and began_s <= self.last_s


def reach(data: Path) -> Reach | None:
    """What the journal of a data directory covers; None where it holds nothing."""
    kept = segments(data / "journal")
    if not kept:
        return None
    written = [path.stat().st_mtime for path in (kept[-1].path, *(data / "checkpoints").glob("*")) if path.exists()]
    return Reach(kept[0].began / 1e6, max(written))


def billable(facts: Iterable[Fact], carrier: str, first_s: float, last_s: float) -> list[Ours]:
    """Attempts at a carrier that were answered and began or were answered in [first_s, last_s), in the order they ended."""
    calls: list[Ours] = []
    waiting: dict[str, list[int]] = {}
    "Call -> its attempts, until its record says who was called."
    called: dict[str, str] = {}
    "The other way about: a call's record may come before its last attempt's."
    for fact in facts:
        if isinstance(fact, Attempt) and fact.carrier == carrier and fact.talk_ms is not None:
            answered_s = fact.at / 1e6 + (fact.answer_ms or 0.0) / 1e3
            if not (first_s <= answered_s < last_s or first_s <= fact.at / 1e6 < last_s):
                continue
            dialled, digits = called.pop(fact.call, ""), re.sub(r"\D", "", fact.called)
            if not dialled:
                waiting.setdefault(fact.call, []).append(len(calls))
            calls.append(Ours(fact.call, dialled or f"+{digits}", digits, fact.at / 1e6, answered_s, fact.talk_ms / 1e3, fact.carrier_call_id, fact.gateway))
        elif isinstance(fact, Call) and fact.called:
            known = waiting.pop(fact.call, ())
            for at in known:
                calls[at] = replace(calls[at], called=fact.called)
            if not known and fact.carrier == carrier and fact.answer_ms is not None and fact.at / 1e6 < last_s:
                called[fact.call] = fact.called
    return calls
