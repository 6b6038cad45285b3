"""What happened to our own numbers, as frozen structs: rows of the journal beside those of `facts/record.py`.

Inventory, lifecycle, caps and reputation are folds of these, so what a number is allowed today can be told from the journal alone. Times are
UTC integer microseconds; dates are ISO 8601 (`2026-03-01`), empty when open.
"""

from typing import TypeAlias

from msgspec import Struct


class NumberAdded(Struct, frozen=True, gc=False, tag_field="fact", tag="number_added"):
    """A number came into the inventory."""

    at: int
    number: str
    "E.164 with +."
    owner: str
    "Tenant that may call with it."
    type: str
    "geographic, mobile, toll_free, national or service."
    country: str
    "ISO 3166 alpha-2, upper case."
    area: str
    "Name of its area, a row of the area table; empty when it belongs to none."
    use: str
    "What it may be used for: sales, collections, service ..."
    pool: str
    provider: str
    "Carrier that assigned it; empty when unknown."
    proof: str
    "Document that shows the right to use it; empty when there is none."
    proof_from: str
    proof_until: str
    "Last day the proof holds; empty when it does not end."
    callback: str
    "Campaign that takes a call back when nobody is known to have called."
    author: str


class NumberChanged(Struct, frozen=True, gc=False, tag_field="fact", tag="number_changed"):
    """A number's inventory row was changed."""

    at: int
    number: str
    changes: dict[str, str]
    "Field of `NumberAdded` -> new value; only what changed."
    author: str


class NumberTransition(Struct, frozen=True, gc=False, tag_field="fact", tag="number_transition"):
    """A number moved in its lifecycle."""

    at: int
    number: str
    before: str
    after: str
    event: str
    "What moved it, an event of the lifecycle table."
    reason: str
    "One sentence for a person."
    evidence: dict[str, float]
    "What was measured: estimate, low, high, weight ..., by name."
    author: str
    "Person who overrode; empty when a rule did it."


class NumberTaken(Struct, frozen=True, gc=False, tag_field="fact", tag="number_taken"):
    """A call took a number: what caps, stickiness and call-backs are counted from, and what the dialer is told."""

    at: int
    call: str
    number: str
    callee: str
    "E.164 with +."
    pool: str
    campaign: str
    agent: str
    chosen: str
    "Why this one: sticky, local, near, country, any, dialer."
    distance_km: float
    "Between the areas of number and callee; -1 when either is unknown."
    open: int
    "Numbers that had room, of those that could be presented."
    excluded: dict[str, int]
    "Why others had none -> how many."


class NumberLabelled(Struct, frozen=True, gc=False, tag_field="fact", tag="number_labelled"):
    """Somebody looked a number up: labelled or clean."""

    at: int
    "When it was reported to us."
    seen: int
    "When it was observed, UTC microseconds."
    number: str
    label: str
    "clean, warn, spam or scam."
    engine: str
    "Analytics engine whose label it is: hiya, tns, first_orion ..."
    source: str
    "Who observed it."


class NumberComplaint(Struct, frozen=True, gc=False, tag_field="fact", tag="number_complaint"):
    """A called party objected."""

    at: int
    number: str
    callee: str
    "E.164 with +; empty when unknown."
    kind: str
    "complaint, or opt_out (do not call again)."
    source: str
    text: str


class PoolAlarm(Struct, frozen=True, gc=False, tag_field="fact", tag="pool_alarm"):
    """A whole pool declined, or is well again; while it is raised the pool's caps are cut."""

    at: int
    pool: str
    raised: bool
    reason: str
    evidence: dict[str, float]
    author: str
    "Person who cleared it; empty when a rule did it."


NumberFact: TypeAlias = NumberAdded | NumberChanged | NumberTransition | NumberTaken | NumberLabelled | NumberComplaint | PoolAlarm
"Any fact about our own numbers; joins `record.Fact`, told apart by the same `fact` field."
