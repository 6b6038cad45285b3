from pathlib import Path

import msgspec
import pytest
import yaml

from trunkline.lab import scenario as lab
from trunkline.lab.market import MarketError, Truth, load_scenario, shipped
from trunkline.lab.market.carriers import lab_scenario


@pytest.mark.parametrize("name", shipped())
def test_every_market_makes_a_file_the_lab_takes(name: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.yaml"
    path.write_text(yaml.safe_dump(msgspec.to_builtins(lab_scenario(load_scenario(name), 1.0))))
    assert set(lab.load_scenario(str(path)).carriers) <= set(load_scenario(name).routes)


def test_a_carrier_fails_as_much_as_the_truth_says_at_that_hour() -> None:
    market = load_scenario("degradation")
    before, during = (lab_scenario(market, hour).carriers["alpha"] for hour in (1.0, 5.0))
    assert [failure.share for failure in before.failures if failure.status == 503] == [0.005]
    assert [failure.share for failure in during.failures if failure.status == 503] == [0.33]
    assert during.answer_share < before.answer_share


def test_as_many_calls_reach_a_human_as_the_truth_says() -> None:
    market = load_scenario("stable")
    truth = Truth(market)
    found = lab_scenario(market, 0.0).carriers["gamma"]
    fails = found.silence_share + sum(failure.share for failure in found.failures)
    human = (1 - fails) * (1 - found.false_answer_share) * found.answer_share * found.callees["human"]
    assert human == pytest.approx(float(truth.human[0, 0, truth.routes.index("gamma")]), abs=0.005)


def test_false_answers_are_there() -> None:
    assert lab_scenario(load_scenario("false_answers"), 0.0).carriers["beta"].false_answer_share > 0.2


def test_a_carrier_is_there_from_its_hour_on() -> None:
    market = load_scenario("cold_start")
    assert "newcomer" not in lab_scenario(market, 1.0).carriers
    assert "newcomer" in lab_scenario(market, 4.0).carriers


def test_a_destination_that_is_not_there_is_named() -> None:
    with pytest.raises(MarketError, match="one of us"):
        lab_scenario(load_scenario("stable"), 0.0, "mars")
