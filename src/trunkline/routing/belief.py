"""What is believed of one route in one segment: the memory of the last hour, the long one, and what its relatives let one expect.

The long memory is trusted as far as the last hour agrees with it. When they part by more than chance allows, the past stops counting at
once: a broken route is known as broken within tens of calls, not after thousands. And because the last hour is forgotten when a route gets
no calls, the past comes back by itself: a route that was good is tried again without anybody's hand.
"""

from msgspec import Struct

from trunkline.policy.snapshot import Price
from trunkline.routing.cell import (
    ANSWERED,
    ATTEMPTS,
    BILL,
    BILLED,
    DELAY_S,
    DELAYED,
    FAILED,
    FALSE,
    HUMAN,
    LATER,
    LATER_ANSWERED,
    MACHINE,
    SHORT,
    TALK_S,
    UNKNOWN,
    Cell,
)  # fmt: skip
from trunkline.routing.levels import Levels, Prior
from trunkline.routing.rates import bill
from trunkline.routing.scoreboard import Segment
from trunkline.stats import standardised

CALM, ALARMED = 2.0, 3.2
"""Standard deviations between the last hour and the past at which trust begins to go and is gone. The fast sums weigh calls unevenly and so
vary a third less than counted calls do: these are 2.8 and 4.5 of theirs."""

LEAST_CALLS = 6.0
"The past is never worth less than this many calls."

TALK_S_GUESS = 45.0


class Rate(Struct, frozen=True, gc=False):
    """A beta distribution."""

    a: float
    b: float
    trust: float
    "In the long memory, 0 to 1."

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)


class Belief(Struct, frozen=True, gc=False):
    """A route in a segment."""

    answers: Rate
    "Answered share of first attempts."
    humans: Rate
    "Share of humans among answers, corrected for how well this carrier's audio is heard."
    heard: float
    "Answers somebody listened to, after forgetting."
    attempts: float
    "First attempts, after forgetting."
    failing: float
    "Share of first attempts that fail for the route's sake, and go on to the next."
    false: float
    "Share of answers with nobody there."
    machines: float
    short: float
    "Share of answers the callee ends within 6 s."
    bill: float
    "Money per answer."
    delay_s: float
    "Mean post-dial delay; 0 while unknown."
    later: float
    later_answered: float
    "Attempts at later positions, and answered ones."
    verdicts: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    "Share of each verdict among heard answers."


def rate(prior: Prior, successes: float, trials: float, recent_successes: float, recent: float) -> Rate:
    """Join prior, long memory and the last hour (which is part of the long memory)."""
    base = prior.calls + max(trials - recent, 0.0)
    mean = (prior.calls * prior.mean + max(successes - recent_successes, 0.0)) / base
    mean = min(max(mean, 0.001), 0.995)
    apart = abs(standardised(recent_successes, recent, mean)) / (1.0 + recent / base) ** 0.5
    trust = min(max((ALARMED - apart) / (ALARMED - CALM), 0.0), 1.0)
    # Between calm and alarm the past loses weight by factors, not by shares: a tenth of four thousand calls would still outvote the last hour.
    least = min(base, LEAST_CALLS)
    worth = least * (base / least) ** trust
    return Rate(worth * mean + recent_successes, worth * (1.0 - mean) + max(recent - recent_successes, 0.0), trust)


def believe(
    cell: Cell | None, levels: Levels, segment: Segment, carrier: str, gateway: str, price: Price, behind: tuple[float, float, float, float], at: float
) -> Belief:
    """The belief at `at`; `behind` is the share of humans behind each verdict on this carrier."""
    if cell is None:
        return _unknown(levels, segment, carrier, gateway, price)
    slow, fast = cell.slow.read(at), cell.fast.read(at)
    attempts, answered = slow[ATTEMPTS], slow[ANSWERED]
    prior = levels.answers.prior(segment, carrier, gateway, answered, attempts)
    answers = rate(prior, answered, attempts, fast[ANSWERED], fast[ATTEMPTS])
    heard = slow[HUMAN] + slow[MACHINE] + slow[UNKNOWN] + slow[FALSE]
    humans = slow[HUMAN] * behind[0] + slow[MACHINE] * behind[1] + slow[UNKNOWN] * behind[2] + slow[FALSE] * behind[3]
    recent_heard = fast[HUMAN] + fast[MACHINE] + fast[UNKNOWN] + fast[FALSE]
    recent_humans = fast[HUMAN] * behind[0] + fast[MACHINE] * behind[1] + fast[UNKNOWN] * behind[2] + fast[FALSE] * behind[3]
    human = rate(levels.humans.prior(segment, carrier, gateway, humans, heard), humans, heard, recent_humans, recent_heard)
    usual_failing = (slow[FAILED] + 0.4) / (attempts + 20.0)
    typical = bill(price, slow[TALK_S] / answered if answered > 1.0 else TALK_S_GUESS)
    return Belief(
        answers, human, heard, attempts, (fast[FAILED] + 20.0 * usual_failing) / (fast[ATTEMPTS] + 20.0), (slow[FALSE] + 0.05) / (heard + 5.0),
        slow[MACHINE] / (heard + 1.0), slow[SHORT] / (answered + 5.0), (slow[BILL] + 10.0 * typical) / (slow[BILLED] + 10.0),
        slow[DELAY_S] / slow[DELAYED] if slow[DELAYED] > 1.0 else 0.0, slow[LATER], slow[LATER_ANSWERED],
        (slow[HUMAN] / (heard + 1.0), slow[MACHINE] / (heard + 1.0), slow[UNKNOWN] / (heard + 1.0), slow[FALSE] / (heard + 1.0)),
    )  # fmt: skip


def _unknown(levels: Levels, segment: Segment, carrier: str, gateway: str, price: Price) -> Belief:
    answers = levels.answers.prior(segment, carrier, gateway)
    humans = levels.humans.prior(segment, carrier, gateway)
    return Belief(
        Rate(answers.mean * answers.calls, (1 - answers.mean) * answers.calls, 1.0), Rate(humans.mean * humans.calls, (1 - humans.mean) * humans.calls, 1.0),
        0.0, 0.0, 0.02, 0.01, 0.5 * (1 - humans.mean), 0.0, bill(price, TALK_S_GUESS), 0.0, 0.0, 0.0,
    )  # fmt: skip
