"""What-if against markets whose truth is known: the other policy is really run, in the same market with the same seed."""

import math

import numpy as np
import pytest

from tests.insight.market_log import CONFUSED, Market
from trunkline.insight import Figure, Judged, Log, WhatIf, gather, what_if
from trunkline.insight.outcomes import outcomes
from trunkline.insight.what_if import FEW, OTHERS

OLD, NEW = {"alpha": 70, "backup": 20, "third": 10}, {"alpha": 20, "backup": 60, "third": 20}
FIGURES = ("answered", "humans", "cost", "cost_per_human")
SEEDS = range(10)
CALLS = 2000


def asked(market: Market, log: Log, strategy: str = "percentage", shares: dict[str, float] | None = None) -> WhatIf:
    return what_if(market.policy(strategy, shares), log)


def truth_of(log: Log) -> dict[str, float]:
    """What came of a log's calls."""
    parts = [
        (len(calls), outcomes(calls)) for name in ("us", "uk")
        if (calls := [Judged(call, bill=0.0) for call in log.calls if call.decision is not None and call.decision.destination == name])
    ]  # fmt: skip
    total = sum(calls for calls, _ in parts)
    answered, humans, cost = (
        sum(float(getattr(columns, name).sum()) for _, columns in parts) / total for name in ("answered", "humans", "logged_bill")
    )
    return {"answered": answered, "humans": humans, "cost": cost, "cost_per_human": cost / humans}


def figures(answer: WhatIf) -> dict[str, Figure]:
    return {name: getattr(answer.total, name) for name in FIGURES}


@pytest.mark.parametrize("old", ["percentage", pytest.param("performance", marks=pytest.mark.verify)])
def test_the_truth_lies_in_the_interval_nearly_always(old: str) -> None:
    """Nominal is 95 %; at least 8 of 10 for every figure, and 36 of all 40."""
    inside = dict.fromkeys(FIGURES, 0)
    for seed in SEEDS:
        market = Market(CONFUSED, seed, CALLS)
        estimate = figures(asked(market, gather(market.log(old, OLD)), shares=NEW))
        truth = truth_of(gather(market.log("percentage", NEW)))
        for name in FIGURES:
            figure = estimate[name]
            assert figure.low is not None
            assert figure.high is not None
            inside[name] += figure.low <= truth[name] <= figure.high
    assert min(inside.values()) >= 8, inside
    assert sum(inside.values()) >= 36, inside


def test_a_naive_replay_blames_the_backup_for_the_calls_that_failed_elsewhere() -> None:
    """Alpha fails hard callees, so nearly all of what the backup saw were calls to those; the mean over its attempts is no estimate of what it does first."""
    naive_errors, errors = [], []
    for seed in range(6):
        market = Market(CONFUSED, seed, CALLS)
        log = gather(market.log("percentage", {"alpha": 92, "backup": 8}))
        new = {"backup": 92, "alpha": 8}
        attempts = [attempt for call in log.calls for attempt in call.attempts]
        naive = sum(
            share / 100 * np.mean([attempt.outcome == "answered" for attempt in attempts if attempt.gateway == f"{route}/main"]) for route, share in new.items()
        )
        answered = asked(market, log, shares=new).total.answered
        truth = truth_of(gather(market.log("percentage", new)))["answered"]
        assert answered.after is not None
        naive_errors.append(float(naive) - truth)
        errors.append(answered.after - truth)
    assert np.mean(naive_errors) < -0.03  # a bias: it does not shrink with more calls
    assert abs(float(np.mean(errors))) < 0.02
    assert np.sqrt(np.mean(np.square(errors))) < np.sqrt(np.mean(np.square(naive_errors)))


def test_the_same_policy_changes_nothing() -> None:
    market = Market(CONFUSED, 1, 1000)
    answer = asked(market, gather(market.log("percentage", OLD)), shares=OLD)
    assert answer.placed == answer.calls == 1000
    assert answer.total.effective == pytest.approx(1000)
    for figure in figures(answer).values():
        # Not to the last digit: the draws of the log were a little luckier or unluckier than its propensities.
        assert figure.after == pytest.approx(figure.before, rel=0.02)
        assert figure.change_low < 0 < figure.change_high
    for row in answer.total.routes:
        assert row.after == pytest.approx(OLD[row.gateway.partition("/")[0]] / 100)
    assert answer.total.repriced == pytest.approx(answer.total.cost.before)
    fixed = asked(market, gather(market.log("priority")), "priority")
    for figure in figures(fixed).values():
        assert figure.after == pytest.approx(figure.before)
        assert figure.change_high == pytest.approx(0.0, abs=1e-9)


def test_what_failed_over_is_no_overlap() -> None:
    """Under priority the backup was only ever second: hundreds of its attempts are in the log, and nothing is claimed."""
    market = Market(CONFUSED, 1, 3000)
    log = gather(market.log("priority"))
    assert sum(attempt.gateway == "backup/main" for call in log.calls for attempt in call.attempts) > 200
    answer = asked(market, log, shares=NEW)
    for part in (*answer.destinations, answer.total):
        assert part.unclear
        assert part.answered.before is not None
        assert part.answered.after is None
        assert part.cost_per_human.after is None
    assert "too few logged calls of this route: 0 first attempts by backup/main, where 60% of the calls would go without a chance in the log" in answer.destinations[0].unclear
    assert asked(market, log, "priority").total.unclear == ""  # the same deterministic policy is no question


def test_a_route_with_a_handful_of_calls_is_not_judged_by_them() -> None:
    market = Market(CONFUSED, 2, 1500)
    answer = asked(market, gather(market.log("percentage", {"alpha": 99.5, "backup": 0.5})), shares={"backup": 100})
    assert answer.total.unclear
    for part in answer.destinations:
        assert part.unclear.startswith("too few logged calls of this route: ")
        assert "backup/main" in part.unclear


def test_the_holdout_of_a_learning_strategy_is_overlap() -> None:
    """Two per cent drawn evenly: enough to judge a route nobody would have chosen, with an interval as wide as it must be."""
    market = Market(CONFUSED, 4, 8000)
    answer = asked(market, gather(market.log("performance")), "priority")
    answered = answer.total.answered
    assert answered.low is not None
    assert answered.high is not None
    assert answer.total.effective < 0.4 * answer.total.calls
    truth = truth_of(gather(market.log("priority")))["answered"]
    assert answered.low <= truth <= answered.high


def test_a_learning_policy_learns_from_the_log_as_it_goes() -> None:
    market = Market(CONFUSED, 5, 4000)
    answer = asked(market, gather(market.log("percentage", OLD)), "performance")
    assert any("learnt from the log" in note for note in answer.notes)
    worth = {row.gateway: row.after for row in answer.total.routes}
    assert worth["backup/main"] + worth["third/main"] > 1.8 * (0.2 + 0.1)  # it moves away from alpha, which fails a seventh of the calls
    assert sum(worth.values()) == pytest.approx(1.0)


def test_an_empty_log_is_an_answer() -> None:
    answer = asked(Market(CONFUSED, 1, 10), gather([]))
    assert (answer.calls, answer.placed, answer.destinations) == (0, 0, [])
    assert answer.total.unclear == "no call is placed by both policies"


def test_small_destinations_are_judged_together() -> None:
    text = CONFUSED.replace("share: 0.6", "share: 0.97").replace("share: 0.4", "share: 0.03")
    market = Market(text, 1, 1000)
    answer = asked(market, gather(market.log("percentage", OLD)), shares=NEW)
    assert [part.name for part in answer.destinations] == ["us", OTHERS]
    assert answer.destinations[1].calls < FEW
    assert answer.total.calls == sum(part.calls for part in answer.destinations if not part.unclear)


def test_without_listening_nothing_is_said_of_humans() -> None:
    market = Market(CONFUSED + "\nheard: 0.0\nlabelled: 0.0\n", 1, 1000)
    answer = asked(market, gather(market.log("percentage", OLD)), shares=NEW)
    assert answer.total.heard == 0
    assert answer.total.humans == answer.total.cost_per_human == Figure(None)
    assert answer.total.answered.after is not None


def test_half_heard_is_as_right_and_less_sure() -> None:
    whole, half = (
        asked(market, gather(market.log("percentage", OLD)), shares=NEW).total
        for market in (Market(CONFUSED + f"\nheard: {share}\n", 6, 4000) for share in (1.0, 0.3))
    )
    assert half.heard < 0.4 * whole.heard
    assert whole.humans.after is not None
    assert half.humans.low is not None
    assert half.humans.high is not None
    assert half.humans.low < whole.humans.after < half.humans.high
    assert half.humans.high - half.humans.low > 1.15 * (whole.humans.high - whole.humans.low)  # type: ignore[operator]


def test_a_price_that_changes_is_recomputed_attempt_by_attempt() -> None:
    market = Market(CONFUSED, 1, 1000)
    log = gather(market.log("percentage", OLD))
    dearer = Market(CONFUSED.replace("rate: 0.010", "rate: 0.020"), 1, 1000)
    answer = what_if(dearer.policy("percentage", OLD), log)
    alpha = sum(attempt.cost or 0.0 for call in log.calls for attempt in call.attempts if attempt.gateway == "alpha/main")
    assert answer.total.repriced == pytest.approx(answer.total.cost.before + alpha / 1000)  # type: ignore[operator]
    assert answer.total.cost.after == pytest.approx(answer.total.repriced, rel=0.05)
    assert not math.isnan(answer.total.cost_per_human.after or math.nan)
