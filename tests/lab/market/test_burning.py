from random import Random

import msgspec
import pytest
from tests.lab.market.test_run import CALLS

from trunkline.lab.market import Result, Truth, draw_fates, load_scenario, run
from trunkline.lab.market.burning import DAY_S, Burning, swing
from trunkline.lab.market.scenario import Numbers, Scenario, Shock

AT = 1_772_452_800.0


def burning(**others: object) -> Burning:
    scenario = load_scenario("burn")
    numbers = Numbers(per_pool=20, tolerance=80, tolerance_spread=0.0, **others)  # type: ignore[arg-type]
    return Burning(scenario, numbers, 1)


def use(truth: Burning, number: str, calls_a_day: int, days: int, *, short: bool = False) -> None:
    for day in range(days):
        for i in range(calls_a_day):
            truth.called(number, AT + day * DAY_S + i * 100.0, short, False)


def test_a_number_used_as_hard_as_it_bears_is_not_labelled_and_one_used_twice_as_hard_is() -> None:
    truth = burning()
    first, second = truth.pools["acme"][:2]
    use(truth, first, 70, 40)
    use(truth, second, 160, 40)
    assert not truth.by_number[first].labelled
    assert truth.by_number[second].labelled
    assert truth.labels == 1


def test_hang_ups_wear_more_than_calls() -> None:
    truth = burning()
    number = truth.pools["acme"][0]
    use(truth, number, 40, 40, short=True)
    assert truth.by_number[number].labelled


def test_rest_heals() -> None:
    truth = burning()
    number = truth.pools["acme"][0]
    use(truth, number, 160, 20)
    assert truth.factors(number, "14150", 0.0)[0] == 0.5
    assert (number, "spam") in {(fact.number, fact.label) for fact in truth.looked_up(AT + 21 * DAY_S, Random(1))}
    list(truth.looked_up(AT + 40 * DAY_S, Random(1)))
    assert truth.factors(number, "14150", 0.0)[0] == 1.0


def test_a_number_nobody_has_seen_before_bears_less() -> None:
    truth = burning(fresh=0.3)
    number = truth.pools["acme"][0]
    use(truth, number, 160, 2)
    assert truth.by_number[number].labelled


def test_a_shock_strikes_its_own_tenant_while_it_lasts() -> None:
    truth = burning(shocks=(Shock("acme", 10.0, 20.0, short=5.0, complaints=8.0),))
    number = truth.pools["acme"][0]
    assert [truth.factors(number, "14150", hour)[1:] for hour in (9.0, 15.0, 20.0)] == [(1.0, 1.0), (5.0, 8.0), (1.0, 1.0)]


def test_a_number_from_elsewhere_is_picked_up_less() -> None:
    truth = burning(areas=10)
    number = truth.rotation("acme", "14153000000")[0]
    assert number.startswith("+14153")
    assert truth.factors(number, "14153999999", 0.0)[0] == 1.0
    assert truth.factors(number, "14154999999", 0.0)[0] == pytest.approx(0.9)


def test_swing_is_what_chance_does_not_explain() -> None:
    random = Random(1)
    alike = {(f"n{i}", day): [50, sum(random.random() < 0.2 for _ in range(50))] for i in range(40) for day in range(20)}
    apart = {key: [50, sum(random.random() < (0.3 if key[1] % 2 else 0.1) for _ in range(50))] for key in alike}
    assert swing(alike) < 0.02
    assert swing(apart) == pytest.approx(0.1, abs=0.01)


@pytest.fixture(scope="module")
def burn() -> dict[str, Result]:
    """Every callee is called once: what callees remember is `test_callees`'."""
    scenario: Scenario = msgspec.structs.replace(load_scenario("burn"), callees=None)
    truth = Truth(scenario)
    fates = draw_fates(truth, 1, 5 * CALLS)
    return {strategy: run(truth, fates, strategy, 1) for strategy in ("priority", "priority_rotation")}


def test_governed_numbers_carry_labels_on_fewer_calls_and_are_answered_more_evenly(burn: dict[str, Result]) -> None:
    governed, drawn = burn["priority"], burn["priority_rotation"]
    assert governed.labelled_calls < 0.3 * drawn.labelled_calls
    assert governed.humans / governed.attempts > drawn.humans / drawn.attempts
    assert governed.swing < drawn.swing


def test_every_call_is_made_or_refused(burn: dict[str, Result]) -> None:
    for result in burn.values():
        assert result.calls + result.refused == 5 * CALLS
        assert sum(day[0] + day[3] for day in result.days) == 5 * CALLS
    assert burn["priority_rotation"].refused == 0
