import pytest
from bench.peers.qrouting import Qrouting
from bench.peers.yeti_lock import YetiLock

from trunkline.lab.market import Oracle, Result, Truth, draw_fates, load_scenario, run

CALLS = 6000


def results(name: str, *strategies: str, calls: int = CALLS) -> dict[str, Result]:
    scenario = load_scenario(name)
    truth = Truth(scenario)
    fates = draw_fates(truth, 1, calls + scenario.history)
    others = {"oracle": Oracle, "qrouting": Qrouting, "yeti_lock": YetiLock}
    return {strategy: run(truth, fates, strategy, 1, others.get(strategy)) for strategy in strategies}


def test_the_oracle_has_no_regret_and_performance_less_than_an_even_split() -> None:
    found = results("stable", "percentage", "performance", "oracle", calls=20_000)
    assert found["oracle"].regret == 0
    assert found["oracle"].cost_per_contact < found["performance"].cost_per_contact < found["percentage"].cost_per_contact
    assert found["performance"].regret < 0.8 * found["percentage"].regret


def test_a_run_repeats_itself() -> None:
    first, second = (results("stable", "performance", calls=1500)["performance"] for _ in range(2))
    assert (first.contacts, first.spent, first.firsts) == (second.contacts, second.spent, second.firsts)


def test_a_route_that_answers_nothing_is_left_with_the_holdout() -> None:
    found = results("answers_nothing", "performance", "yeti_lock")
    late = [sum(block[1] for block in found["performance"].firsts[30:]), sum(map(sum, found["performance"].firsts[30:]))]
    assert late[0] / late[1] < 0.03
    assert found["yeti_lock"].firsts[-1][1] == sum(found["yeti_lock"].firsts[-1])  # no talk, no lock: its gate waits for an hour of talk


def test_false_answers_do_not_buy_calls() -> None:
    found = results("false_answers", "performance", "least_cost")
    late = [sum(block[1] for block in found["performance"].firsts[30:]), sum(map(sum, found["performance"].firsts[30:]))]
    assert late[0] / late[1] < 0.1
    assert found["performance"].wasted_s < 0.75 * found["least_cost"].wasted_s


def test_a_carrier_that_is_added_is_tried_and_a_bad_one_dropped() -> None:
    found = results("cold_start", "performance", calls=30_000)["performance"]
    last = [sum(column) for column in zip(*found.firsts[-10:], strict=True)]
    assert last[2] / sum(last) > 0.8
    assert last[3] / sum(last) < 0.08


def test_about_the_holdouts_share_is_held_out() -> None:
    found = results("stable", "performance")["performance"]
    assert found.holdout / found.calls == pytest.approx(0.02, abs=0.008)


def test_history_is_placed_and_learnt_but_not_counted() -> None:
    found = results("backup", "performance", calls=2000)["performance"]
    assert found.calls == 2000
    assert sum(map(sum, found.firsts)) == 2000


@pytest.mark.parametrize("strategy", ["qrouting", "yeti_lock", "least_cost", "rank", "priority"])
def test_every_strategy_places_every_call(strategy: str) -> None:
    found = results("degradation", strategy, calls=2000)[strategy]
    assert found.calls == sum(map(sum, found.firsts)) == 2000
    assert found.attempts >= 2000


def test_a_backup_that_only_saw_failed_over_calls_is_found_to_be_the_better_route() -> None:
    found = results("backup", "performance", "priority", calls=20_000)
    late = [sum(column) for column in zip(*found["performance"].firsts[30:], strict=True)]
    assert late[1] > 0.6 * sum(late)
    assert found["performance"].cost_per_contact < found["priority"].cost_per_contact


def test_a_carrier_that_is_full_and_says_nothing_is_not_overfilled() -> None:
    found = results("shared_carrier", "performance", "percentage", calls=30_000)
    assert found["performance"].cost_per_contact < 0.98 * found["percentage"].cost_per_contact
