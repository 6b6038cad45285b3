"""What `compliance` and `retries` must get right besides their shape: a rule that never fits a call protects nobody."""

from collections.abc import Iterator

from trunkline.policy.compliance import Retry, Rule
from trunkline.policy.contact_rules import EVERYBODY
from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location, unknown


def check_contact(document: Document) -> Iterator[Finding]:
    """Every finding of both sections, and of do-not-call lists."""
    if EVERYBODY in document.tenants:
        message = f"a tenant cannot be called `{EVERYBODY}`: so is the do-not-call list that holds for everybody"
        yield Finding(("tenants", EVERYBODY), message, "give it another name, here and at its trunks", at_key=True)
    compliance = document.compliance
    read = {name for trunk in document.trunks.values() for name in trunk.metadata}
    for name, rule in compliance.rules.items():
        path: Location = ("compliance", "rules", name)
        yield from _names(document, rule, path, read)
        yield from _hours(rule, path)
        if not (rule.windows or rule.caps or rule.closed or rule.after.model_fields_set):
            yield Finding(path, "the rule asks for nothing", "add `windows`, `caps`, `after` or `closed`", at_key=True)
    for name, retry in document.retries.items():
        path = ("retries", name)
        yield from _names(document, retry, path, read)
        if name in compliance.rules:
            yield Finding(path, "a rule of `compliance` is named like this", "give it a name of its own", at_key=True)
        if not (retry.caps or retry.after.model_fields_set):
            yield Finding(path, "the rule asks for nothing", "add `caps` or `after`", at_key=True)
    path = ("compliance", "exempt")
    for at, trunk in enumerate(compliance.exempt.trunks):
        if trunk not in document.trunks:
            yield unknown((*path, "trunks", at), "trunk", trunk, document.trunks)
    for field, wanted in (("campaigns", compliance.exempt.campaigns), ("purposes", compliance.exempt.purposes)):
        yield from _read(field, wanted, path, read)
    if compliance.callee_zone == "dialer" and "zone" not in read:
        fix = "add `metadata: {zone: header:X-Zone}` to a trunk"
        yield Finding(("compliance", "callee_zone"), "no trunk reads a `zone` from its calls", fix, rests_on="trunks")


def _names(document: Document, rule: Retry, path: Location, read: set[str]) -> Iterator[Finding]:
    for at, tenant in enumerate(rule.tenants):
        if tenant not in document.tenants:
            yield unknown((*path, "tenants", at), "tenant", tenant, document.tenants)
    for at, destination in enumerate(rule.destinations):
        if destination not in document.destinations:
            yield unknown((*path, "destinations", at), "destination", destination, document.destinations)
    yield from _read("campaigns", rule.campaigns, path, read)
    yield from _read("purposes", rule.purposes, path, read)
    if rule.counted == "campaign" and "campaign" not in read:
        fix = "add `metadata: {campaign: header:X-Campaign}` to a trunk, or write `counted: tenant`"
        yield Finding((*path, "counted"), "no trunk reads a `campaign` from its calls", fix, rests_on="trunks")


def _read(field: str, wanted: tuple[str, ...], path: Location, read: set[str]) -> Iterator[Finding]:
    name = field[:-1]
    if wanted and name not in read:
        yield Finding((*path, field), f"no trunk reads a `{name}` from its calls", f"add `metadata: {{{name}: ...}}` to a trunk", rests_on="trunks")


def _hours(rule: Rule, path: Location) -> Iterator[Finding]:
    for at, window in enumerate(rule.windows):
        if window.begins >= window.ends:
            fix = "write an `ends` later than `begins`; hours past midnight are two windows"
            yield Finding((*path, "windows", at, "ends"), "the window ends before it begins", fix)
    if rule.since is not None and rule.until is not None and rule.since > rule.until:
        yield Finding((*path, "until"), "the rule ends before it begins", "write a later day")
