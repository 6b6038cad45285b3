from itertools import pairwise

import msgspec
import numpy as np
import pytest

from trunkline.lab.market import MarketError, Result, Scenario, Truth, draw_fates, load_scenario, run
from trunkline.lab.market.callees import DAY_S, People, habits, planned
from trunkline.lab.market.fate import HUMAN, VACANT, Fates
from trunkline.lab.market.scenario import Callees

AT, OURS, OTHER = 1_772_452_800.0, "+14155550001", "+14155550002"
MEMORY = Callees(number=0.6, campaign=0.9, dead=0.3, forgets_d=2.0)
CALLS = 12_000


def people() -> People:
    """Two callees; row 2 is the second call to the first of them."""
    return People(MEMORY, again=[-1, -1, 2], person=[0, 1, 0])


def test_a_missed_number_is_picked_up_less_than_another_of_the_campaign_and_time_heals() -> None:
    known = people()
    known.called(0, OURS, AT, False, True, False)
    assert known.willing(2, OURS, AT) == pytest.approx(0.6)
    assert known.willing(2, OTHER, AT) == pytest.approx(0.9)
    assert known.willing(2, OURS, AT + 2 * DAY_S) == pytest.approx(0.8)
    assert known.willing(1, OURS, AT) == 1.0


def test_a_number_that_was_dead_air_is_remembered_longest_and_each_miss_adds() -> None:
    known = people()
    known.called(0, OURS, AT, False, True, True)
    assert known.willing(2, OURS, AT) == pytest.approx(0.3)
    known.called(2, OTHER, AT, False, True, False)
    assert known.willing(2, OURS, AT) == pytest.approx(0.3 * 0.9)


def test_a_call_that_never_rang_is_not_remembered() -> None:
    known = people()
    known.called(0, OURS, AT, False, False, False)
    assert known.willing(2, OURS, AT) == 1.0


def test_who_was_reached_gives_the_place_to_somebody_new() -> None:
    known = people()
    assert known.row(2) == 2
    known = People(MEMORY, again=[-1, -1, 3], person=[0, 1, 2, 0])
    assert known.row(2) == 3
    known.called(0, OURS, AT, True, True, False)
    assert known.row(2) == 2


def test_a_callee_is_due_after_the_wait_as_often_as_there_are_tries() -> None:
    at = [AT + 1800.0 * i for i in range(40)]
    first = planned(Callees(tries=3, again_h=4.0), at, [0] * 40, 1)
    again: dict[int, list[float]] = {}
    for i, lead in enumerate(first):
        if lead >= 0:
            again.setdefault(lead, [at[lead]]).append(at[i])
    assert max(map(len, again.values())) == 3
    assert all(later - earlier >= 4 * 3600.0 for times in again.values() for earlier, later in pairwise(times))


def test_everybody_has_a_best_hour_and_all_together_have_none() -> None:
    phase = np.arange(1000) / 1000
    found = habits(Callees(habit=0.5), np.full(1000, AT + 9 * 3600.0), phase)
    assert (found.min(), found.max()) == pytest.approx((0.5, 1.5), abs=0.001)
    assert found.mean() == pytest.approx(1.0, abs=0.001)


@pytest.fixture(scope="module")
def burn() -> tuple[Truth, Fates]:
    truth = Truth(load_scenario("burn"))
    return truth, draw_fates(truth, 1, CALLS)


def test_the_second_call_goes_to_the_same_number_and_a_vacant_one_stays_vacant(burn: tuple[Truth, Fates]) -> None:
    _, fates = burn
    rows = range(fates.calls, len(fates.at_s))
    assert len(rows) > 0.4 * CALLS
    for row in rows:
        first = fates.person[row]
        assert fates.called[row] == fates.called[first]
        if VACANT in fates.what[first]:
            assert HUMAN not in fates.what[row]


def test_memory_costs_answers_and_hours_of_their_own_are_met_by_calling_again(burn: tuple[Truth, Fates]) -> None:
    truth, fates = burn
    with_memory = run(truth, fates, "priority_rotation", 1)
    assert with_memory.calls == CALLS
    assert 0.2 * CALLS < with_memory.again < 0.67 * CALLS
    assert with_memory.humans < 0.98 * _without_memory(truth.scenario).humans


def _without_memory(scenario: Scenario) -> Result:
    assert scenario.callees is not None
    forgetful = msgspec.structs.replace(scenario.callees, number=1.0, campaign=1.0, dead=1.0)
    truth = Truth(msgspec.structs.replace(scenario, callees=forgetful))
    return run(truth, draw_fates(truth, 1, CALLS), "priority_rotation", 1)


def test_callees_without_numbers_are_refused(tmp_path: object) -> None:
    path = f"{tmp_path}/mine.yaml"
    with open(path, "w") as file:
        file.write('description: x\nroutes: {alpha: {}}\ndestinations: {us: {prefix: "1415"}}\ncallees: {tries: 2}\n')
    with pytest.raises(MarketError, match="callees"):
        load_scenario(path)
