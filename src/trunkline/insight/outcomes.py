"""What came of logged calls, as columns: answered, a human reached, billed. The unit is the dialer's call, with all its attempts."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.facts.heard import MACHINES
from trunkline.facts.record import Attempt
from trunkline.insight.logged import LoggedCall
from trunkline.insight.replay import Judged

Floats = NDArray[np.float64]

VERDICTS = {"human": 1.0, "false": 0.0, **dict.fromkeys(MACHINES, 0.0)}
"What listening is sure of; behind `unknown` and an assistant there may be a human or not."

HEARD_LEAST = 20
"Answers somebody listened to, below which nothing is said of humans."


class Outcomes(Struct, frozen=True):
    """A row for each call; NaN where it is not known."""

    answered: Floats
    humans: Floats
    """Humans reached. Where nobody listened, what those heard on the same gateway showed; where somebody did, that and the rest divided by the share
    that is heard, so that the mean has the spread it ought to have (Robins, Rotnitzky and Zhao, JASA 89, 1994)."""
    heard: int
    logged_bill: Floats
    "What the log says the carriers bill."
    bill: Floats
    "The same attempts at the other policy's prices."
    followed: float
    "Share of the calls that went on to a second route."


def answer_of(call: LoggedCall) -> Attempt | None:
    """The attempt that was answered."""
    return next((attempt for attempt in call.attempts if attempt.outcome == "answered"), None)


def outcomes(calls: list[Judged]) -> Outcomes:
    """Columns of these calls, of one destination."""
    answers = [answer_of(judged.logged) for judged in calls]
    answered = np.array([answer is not None for answer in answers], dtype=float)
    verdicts = [_human(judged.logged, answer) for judged, answer in zip(calls, answers, strict=True)]
    by_gateway: dict[str, list[float]] = {}
    for answer, verdict in zip(answers, verdicts, strict=True):
        if answer is not None:
            counts = by_gateway.setdefault(answer.gateway, [0.0, 0.0, 0.0])
            counts[0] += 1.0
            if verdict is not None:
                counts[1] += 1.0
                counts[2] += verdict
    heard = sum(counts[1] for counts in by_gateway.values())
    overall = sum(counts[2] for counts in by_gateway.values()) / heard if heard else 0.0
    humans = [
        _reached(verdict, by_gateway[answer.gateway], overall) if answer is not None else 0.0 for answer, verdict in zip(answers, verdicts, strict=True)
    ]
    logged = [_logged_bill(judged.logged) for judged in calls]
    return Outcomes(
        answered, np.array(humans), int(heard), np.array(logged), np.array([np.nan if judged.bill is None else judged.bill for judged in calls]),
        sum(len(judged.logged.attempts) > 1 for judged in calls) / len(calls),
    )  # fmt: skip


def _human(call: LoggedCall, answer: Attempt | None) -> float | None:
    """Whether a human answered: what a person said, else what listening is sure of; None where nobody knows."""
    if answer is None:
        return None
    said = call.label or answer.labelled
    return float(said == "human") if said else VERDICTS.get(answer.heard)


def _reached(verdict: float | None, counts: list[float], overall: float) -> float:
    answers, heard, humans = counts
    expected = (humans + overall) / (heard + 1.0)
    return expected if verdict is None else expected + (verdict - expected) * answers / heard


def _logged_bill(call: LoggedCall) -> float:
    total = 0.0
    for attempt in call.attempts:
        if attempt.outcome == "answered":
            total += np.nan if attempt.cost is None else attempt.cost
    return total
