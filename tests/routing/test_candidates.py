"""The static orders: who comes first how often, what the record says of it, and that the draw decides."""

from collections import Counter
from random import Random

import pytest
import yaml

from trunkline.policy import Snapshot, load_policy
from trunkline.routing.candidates import ONE_BY_ONE, Written

MANY = 12


def written(routes: list[dict[str, object]], strategy: str = "percentage", gateways: dict[str, dict[str, int]] | None = None) -> Written:
    """`gateways`: carrier -> gateway -> weight; a carrier that is not named has one."""
    names = [str(route["to"]).partition("/")[0] for route in routes]
    document = {
        "tenants": {"acme": {}},
        "trunks": {"vici": {"tenant": "acme", "addresses": ["192.0.2.1"]}},
        "carriers": {
            name: {"gateways": {key: {"host": f"10.0.{c}.{i}", "weight": weight} for i, (key, weight) in enumerate((gateways or {}).get(name, {"main": 1}).items(), 1)}}
            for c, name in enumerate(dict.fromkeys(names))
        },
        "destinations": {"us": {"prefixes": ["1"], "strategy": strategy, "routes": routes}},
    }  # fmt: skip
    policy = load_policy(yaml.safe_dump(document, sort_keys=False))
    assert isinstance(policy, Snapshot), policy
    return Written(policy, policy.destinations["us"])


def test_a_place_of_any_rank_falls_to_a_route_as_its_share_says() -> None:
    """Twelve routes, so that some places are drawn one by one and some come from the race."""
    shares = [30, 16, 9, 8, 8, 7, 6, 5, 4, 3, 2, 2]
    made = written([{"to": f"c{i:02d}", "share": share} for i, share in enumerate(shares)])
    random, calls = Random(1), 20_000
    places = [Counter[str]() for _ in range(MANY)]
    for _ in range(calls):
        for place, gateway in enumerate(made.choose(random).gateways):
            places[place][gateway.carrier] += 1
    assert places[0]["c00"] / calls == pytest.approx(0.30, abs=0.015)
    assert places[0]["c11"] / calls == pytest.approx(0.02, abs=0.005)
    last = _last_places(shares, calls)
    for carrier in ("c00", "c03", "c08", "c11"):
        assert places[MANY - 1][carrier] / calls == pytest.approx(last.get(carrier, 0.0), abs=0.02)
        assert places[ONE_BY_ONE][carrier] > 0


def _last_places(shares: list[int], calls: int) -> dict[str, float]:
    """Who comes last when every place is drawn in turn."""
    random, found = Random(2), Counter[str]()
    for _ in range(calls):
        left = list(enumerate(shares))
        while len(left) > 1:
            left.remove(random.choices(left, [share for _, share in left])[0])
        found[f"c{left[0][0]:02d}"] += 1
    return {carrier: found[carrier] / calls for carrier in found}


def test_the_draw_on_record_decides_who_is_first_and_the_propensity_says_how_often() -> None:
    made = written([{"to": "alpha", "share": 20}, {"to": "beta", "share": 50}, {"to": "gamma", "share": 30}, {"to": "delta", "share": 0}])
    random = Random(3)
    for _ in range(200):
        choice = made.choose(random)
        assert choice.gateways[0].carrier == ("alpha" if choice.draw < 0.2 else "beta" if choice.draw < 0.7 else "gamma")
        chances = {gateway.carrier: chance for gateway, chance in zip(choice.gateways, choice.propensity, strict=True)}
        assert chances == pytest.approx({"alpha": 0.2, "beta": 0.5, "gamma": 0.3, "delta": 0.0})
        assert choice.gateways[-1].carrier == "delta"


def test_gateways_of_an_entry_share_by_weight_and_standby_comes_after_them() -> None:
    made = written([{"to": "alpha", "share": 60}, {"to": "beta", "share": 40}], gateways={"alpha": {"a": 3, "b": 1, "spare": 0}})
    random, calls = Random(4), 8000
    firsts = Counter[str]()
    for _ in range(calls):
        choice = made.choose(random)
        names = [gateway.name for gateway in choice.gateways]
        firsts[names[0]] += 1
        assert names.index("alpha/spare") > max(names.index("alpha/a"), names.index("alpha/b"))
        assert dict(zip(names, choice.propensity, strict=True)) == pytest.approx({"alpha/a": 0.45, "alpha/b": 0.15, "alpha/spare": 0.0, "beta/main": 0.4})
    assert firsts["alpha/a"] / calls == pytest.approx(0.45, abs=0.02)
    assert firsts["alpha/spare"] == 0


def test_an_order_of_single_gateways_is_made_once() -> None:
    made = written([{"to": "beta"}, {"to": "alpha"}], "priority")
    choice = made.choose(Random(5))
    assert made.choose(Random(6)) is choice
    assert ([gateway.carrier for gateway in choice.gateways], choice.propensity, choice.draw) == (["beta", "alpha"], (1.0, 0.0), 0.0)
