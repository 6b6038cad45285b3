"""How a number is shown, per carrier and country of the callee, and which kinds may be shown there at all (row N8).

Rules of countries change by date (Spain: no mobile numbers for commercial calls; France: automated calls only from ranges of their own), so
a rule has a first and a last day. The first rule that matches decides; none means that everything may be shown in the gateway's own format.
"""

from collections.abc import Iterable

from trunkline.policy.number_rules import Presentation

from .kind import Kind


def rule_for(rules: Iterable[Presentation], carrier: str, country: str, day: int) -> Presentation | None:
    """The rule for a callee's country over a carrier on a day."""
    for rule in rules:
        if rule.carrier in ("", carrier) and rule.country in ("", country) and rule.first_day <= day <= rule.last_day:
            return rule
    return None


def presentable(rules: Iterable[Presentation], carriers: Iterable[str], country: str, kinds: Iterable[Kind], day: int) -> frozenset[Kind]:
    """Kinds that every carrier of the plan may show: the caller ID stays the same on failover."""
    rules = tuple(rules)
    found = [rule_for(rules, carrier, country, day) for carrier in carriers]
    pairs = [(carrier, rule) for carrier, rule in zip(carriers, found, strict=True) if rule is not None]
    return frozenset(kind for kind in kinds if all(_may(rule, kind, carrier, country) for carrier, rule in pairs))


def _may(rule: Presentation, kind: Kind, carrier: str, country: str) -> bool:
    if rule.types and kind.type not in rule.types:
        return False
    if rule.domestic and kind.country != country:
        return False
    return not rule.own or kind.provider == carrier
