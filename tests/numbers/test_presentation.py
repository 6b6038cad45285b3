"""How a number is shown, and which may be shown where."""

from random import Random

from tests.numbers.market import Market
from trunkline.decide.callers import Callers
from trunkline.facts.numbers import NumberChanged
from trunkline.numbers import Chosen, Event, Kind, presentable, rule_for
from trunkline.policy import Snapshot, load_policy
from trunkline.policy.number_rules import Presentation
from trunkline.policy.snapshot import CallerId, Gateway, Trunk

SPAIN = Presentation(country="ES", first_day=20_246, types=("geographic", "toll_free"))
"From 7 June 2025 no mobile number may be shown for commercial calls (Orden TDF/149/2025)."
OWN = Presentation(carrier="alpha", own=True)
TRUNK = Trunk("dialer", "acme", caller_id=CallerId("replace", "es"))
GATEWAY = Gateway("alpha/ny", "alpha", "a.example")
POLICY = "numbers: {presentation: [{country: ES, types: [geographic]}]}\n"
KINDS = {Kind("ES", "mobile", "alpha"), Kind("ES", "geographic", "alpha"), Kind("ES", "geographic", "beta")}


def test_a_rule_holds_for_its_carrier_its_country_and_its_days() -> None:
    rules = (SPAIN, OWN)
    assert rule_for(rules, "alpha", "ES", 20_300) is SPAIN
    assert rule_for(rules, "alpha", "ES", 20_000) is OWN
    assert rule_for(rules, "alpha", "FR", 20_300) is OWN
    assert rule_for(rules, "beta", "FR", 20_300) is None


def test_kinds_are_those_every_carrier_of_the_plan_may_show() -> None:
    assert presentable((SPAIN,), ["alpha", "beta"], "ES", KINDS, 20_300) == {Kind("ES", "geographic", "alpha"), Kind("ES", "geographic", "beta")}
    assert presentable((OWN,), ["alpha", "beta"], "ES", KINDS, 20_300) == {Kind("ES", "mobile", "alpha"), Kind("ES", "geographic", "alpha")}
    assert presentable((Presentation(domestic=True),), ["alpha"], "FR", KINDS, 20_300) == set()
    assert presentable((), ["alpha"], "ES", KINDS, 20_300) == KINDS


def asked(callers: Callers, at: int, called: str = "+34911234567") -> str:
    """The number shown, or why none may be."""
    chosen = callers.choose(TRUNK, called, "", "", [GATEWAY], at)
    return chosen.number if isinstance(chosen, Chosen) else chosen.refusal.code


def spanish(market: Market) -> Callers:
    loaded = load_policy(POLICY)
    assert isinstance(loaded, Snapshot), loaded
    callers = Callers(market.book, Random(1))
    callers.follow(loaded)
    return callers


def test_a_number_of_a_new_kind_is_chosen_as_soon_as_it_is_ours_and_not_once_it_is_gone() -> None:
    market = Market()
    market.hold("+34600000001", pool="es", country="ES", type="mobile")
    callers = spanish(market)
    assert asked(callers, market.now) == "numbers.not_presentable"
    market.hold("+34911234501", pool="es", country="ES")
    assert asked(callers, market.now) == "+34911234501", "imported a moment later"
    market.emit(NumberChanged(market.now, "+34911234501", {"pool": "elsewhere"}, "ann"))
    assert asked(callers, market.now) == "numbers.not_presentable", "moved away"
    market.hold("+34911234502", pool="es", country="ES")
    assert asked(callers, market.now) == "+34911234502"
    for event in (Event.RETIRE, Event.RELEASE):
        market.person("+34911234502", event)
    assert asked(callers, market.now) == "numbers.not_presentable", "given back"
