import numpy as np
import pytest

from trunkline.lab.market import MarketError, Oracle, Truth, draw_fates, load_scenario, policy_of, shipped
from trunkline.lab.market.fate import HUMAN, MACHINE
from trunkline.lab.market.scenario import SCENARIOS
from trunkline.routing import Router


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_makes_a_policy_and_a_truth(name: str) -> None:
    truth = Truth(load_scenario(name))
    assert policy_of(truth, "performance", 0.0).destinations
    assert 0.1 < truth.value < 2.0
    assert truth.worth.max() > 0


def test_what_is_drawn_is_what_is_true() -> None:
    scenario = load_scenario("stable")
    truth = Truth(scenario)
    fates = draw_fates(truth, 1, 60_000)
    what, answer = np.array(fates.what), np.array(fates.answer_s)
    in_time = answer <= scenario.ring_limit_s
    for d in range(len(truth.destinations)):
        here = np.array(fates.destination) == d
        for r in range(len(truth.routes)):
            humans = (what[here, r] == HUMAN) & in_time[here, r]
            machines = (what[here, r] == MACHINE) & in_time[here, r]
            error = 4 * (0.25 / here.sum()) ** 0.5
            assert humans.mean() == pytest.approx(truth.human[0, d, r], abs=error)
            assert machines.mean() == pytest.approx(truth.machine[0, d, r], abs=error)


def test_the_same_seed_draws_the_same_fates_and_another_does_not() -> None:
    truth = Truth(load_scenario("daypart"))
    assert draw_fates(truth, 3, 500) == draw_fates(truth, 3, 500)
    assert draw_fates(truth, 3, 500).what != draw_fates(truth, 4, 500).what


def test_an_incident_lasts_as_long_as_it_says() -> None:
    truth = Truth(load_scenario("degradation"))
    alpha = truth.routes.index("alpha")
    worth = [truth.worth[truth_slot(truth, hour), 0, alpha] for hour in (3.9, 4.1, 6.9, 7.1)]
    assert worth[0] == worth[3] > worth[1] == worth[2]


def truth_slot(truth: Truth, hour: float) -> int:
    return int(hour * 12)


def test_a_day_part_is_in_the_callees_zone() -> None:
    truth = Truth(load_scenario("daypart"))
    alpha, us, ca = truth.routes.index("alpha"), 0, 1
    five_pm_utc = truth_slot(truth, 4.5)  # 12:30 in New York, 09:30 in Vancouver
    assert truth.grid["loss"][five_pm_utc, us, alpha] < 0.1 < truth.grid["loss"][five_pm_utc, ca, alpha]


def test_the_value_is_what_a_conversation_costs_at_best() -> None:
    scenario = load_scenario("stable")
    truth = Truth(scenario)
    best = truth.worth_at(truth.value).max(axis=2)
    mean = float((best * truth.traffic).sum() / truth.traffic.sum())
    assert mean == pytest.approx(scenario.call, abs=0.002)


def test_the_oracle_takes_the_best_that_is_there() -> None:
    truth = Truth(load_scenario("cold_start"))
    oracle = Oracle(truth)
    early, late = policy_of(truth, "oracle", 0.0), policy_of(truth, "oracle", 4.0)
    begin = truth.moment(0).timestamp()
    assert oracle.choose(early, early.destinations["us"], "", begin).gateways[0].carrier == "alpha"
    assert oracle.choose(late, late.destinations["us"], "", begin + 4 * 3600).gateways[0].carrier == "newcomer"


def test_a_full_route_is_the_oracles_last() -> None:
    truth = Truth(load_scenario("shared_carrier"))
    oracle = Oracle(truth)
    policy = policy_of(truth, "oracle", 0.0)
    oracle.full[truth.routes.index("alpha")] = True
    gateways = oracle.choose(policy, policy.destinations["us"], "", truth.moment(0).timestamp()).gateways
    assert gateways[-1].carrier == "alpha"


def test_a_scenario_that_names_no_route_says_so(tmp_path: object) -> None:
    with pytest.raises(MarketError, match=r"one of .*stable"):
        load_scenario("nowhere")


def test_an_incident_on_a_route_that_is_not_there_is_refused(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "wrong.yaml"
    path.write_text((SCENARIOS / "degradation.yaml").read_text().replace("route: alpha", "route: omega"))
    with pytest.raises(MarketError, match="no route 'omega'"):
        load_scenario(str(path))


def test_the_policy_of_a_market_is_followed_by_the_router() -> None:
    from random import Random

    from trunkline.routing import Health

    truth = Truth(load_scenario("stable"))
    router = Router(Random(1), Health(Random(1)))
    router.follow(policy_of(truth, "performance", 0.0))
    price = router.price("us", "alpha/main")
    assert price is not None
    assert price.per_minute == 0.012
