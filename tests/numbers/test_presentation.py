"""How a number is shown, and which may be shown where."""

from trunkline.numbering.plan import CallerFormat
from trunkline.numbers import Kind, presentable, rule_for, show
from trunkline.policy.number_rules import Presentation

SPAIN = Presentation(country="ES", first_day=20_246, types=("geographic", "toll_free"))
"From 7 June 2025 no mobile number may be shown for commercial calls (Orden TDF/149/2025)."
OWN = Presentation(carrier="alpha", own=True)
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


def test_the_number_is_written_as_the_rule_or_else_the_gateway_says() -> None:
    national = CallerFormat(style="national", country_code="34", trunk_prefix="0", header="pai")
    shown = show("+34911234567", False, Presentation(format=national), CallerFormat())
    assert (shown.user, shown.header, shown.asserted, shown.privacy) == ("0911234567", "pai", "0911234567", "")
    plain = show("+34911234567", False, None, CallerFormat())
    assert (plain.user, plain.header, plain.asserted) == ("+34911234567", "from", "")


def test_a_private_caller_is_asserted_to_the_carrier_and_anonymous_to_the_callee() -> None:
    shown = show("+34911234567", True, None, CallerFormat(header="diversion"))
    assert (shown.user, shown.header, shown.asserted, shown.privacy) == ("anonymous", "diversion", "+34911234567", "id")
    assert show("+34911234567", True, None, CallerFormat()).header == "pai"
