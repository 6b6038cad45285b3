"""What a person or a label service says about our numbers, on its way into the journal.

The desk reads files and checks them; the node takes the facts that came of it, a few at a time, and refuses those that no longer fit what it
knows.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberComplaint, NumberLabelled, NumberTransition, PoolAlarm
from trunkline.node.control import RefusedError
from trunkline.numbers import NumberBook, State
from trunkline.numbers.inventory import why_no_row
from trunkline.numbers.lifecycle import DAY_US, is_step
from trunkline.numbers.reputation import LABELS

if TYPE_CHECKING:
    from trunkline.node.serve import Node

Told: TypeAlias = NumberAdded | NumberChanged | NumberTransition | NumberLabelled | NumberComplaint | PoolAlarm
"Facts about numbers that come from outside."

MOST = 200
"Facts in one request: as many as the loop takes in without being late for anybody."


def take_numbers(node: "Node", facts: list[Told]) -> dict[str, int]:
    """Put facts on record, all of the request or none. Raises RefusedError."""
    if len(facts) > MOST:
        raise RefusedError(f"{len(facts)} facts in one request; send at most {MOST}")
    if node.journal.full:
        raise RefusedError(f"nothing was taken: {node.journal.fault}")
    now = node.network.now()
    today_us = node.clock.utc_us(now)
    book = node.core.decisions.numbers
    states: dict[str, str] = {}
    for fact in facts:
        wrong = "" if abs(fact.at - today_us) < DAY_US else "a fact of another day; compare the clocks"
        wrong = wrong or _unfit(fact, book, states)
        if wrong:
            raise RefusedError(wrong)
        if isinstance(fact, NumberAdded):
            states[fact.number] = State.STOCK
        elif isinstance(fact, NumberTransition):
            states[fact.number] = fact.after
    taken = 0
    for fact in facts:
        if not (isinstance(fact, NumberLabelled) and book.reputations.has(fact)):
            node.core.emit(fact, now)
            taken += 1
    if not node.commit():  # what is confirmed is on record
        raise RefusedError(f"taken, and to be written when the disk allows: {node.journal.fault}")
    return {"taken": taken}


def _unfit(fact: Told, book: NumberBook, states: Mapping[str, str]) -> str:
    """Why a fact no longer fits, with the states that earlier facts of the request lead to; empty when it does."""
    if isinstance(fact, PoolAlarm):
        return "" if fact.pool in book.seats.pools else f"there is no pool {fact.pool}"
    if isinstance(fact, NumberLabelled) and (fact.label not in LABELS or not 0 <= fact.seen < fact.at + DAY_US):
        return f"{fact.number}: no such label, or no such day"
    if isinstance(fact, NumberTransition) and not is_step(fact.before, fact.event, fact.after):
        return f"{fact.number}: {fact.event} does not lead from {fact.before} to {fact.after}"
    known = book.inventory.holdings.get(fact.number)
    if isinstance(fact, NumberAdded | NumberChanged):
        wrong = why_no_row(fact, known)
        if wrong:
            return f"{fact.number}: {wrong}"
    life = book.life(fact.number)
    state = states.get(fact.number) or (life.state if life is not None else State.RELEASED)
    if isinstance(fact, NumberAdded):
        return "" if state == State.RELEASED else f"{fact.number} is in the inventory by now; import again"
    if isinstance(fact, NumberChanged) and state == State.RELEASED:
        return f"{fact.number} is not in the inventory"
    if isinstance(fact, NumberTransition) and state != fact.before:
        return f"{fact.number} is in {state} by now, not in {fact.before}; look again and repeat"
    return ""
