"""What no single section can know: that names lead somewhere, shares add up, and nobody can be mistaken for another."""

from collections.abc import Collection, Iterator, Mapping

from trunkline.policy.attestation import check_attestation, check_keys
from trunkline.policy.carriers import Called, Caller, GatewayDefaults
from trunkline.policy.contact_checks import check_contact
from trunkline.policy.destinations import Destination
from trunkline.policy.dips import check_dips
from trunkline.policy.document import Document
from trunkline.policy.named import check_named
from trunkline.policy.pools import check_numbers
from trunkline.policy.problem import Finding, Location, unknown
from trunkline.policy.sharing_checks import check_sharing
from trunkline.policy.trunks import NumberPlan, Trunk, check_takes_calls

SHARE_TOLERANCE = 0.01
SHORTEST_PASSWORD = 12
FEWEST_DIFFERENT = 5
"`aaaaaaaaaaaa` is long and no password."


def check(document: Document, secrets: Mapping[str, str]) -> list[Finding]:
    """Every finding over the whole document; `secrets` maps references to what they hold."""
    known = document.route_gateways()
    return [
        *_trunks(document),
        *_digest_users(document, secrets),
        *_sources(document),
        *_carriers(document),
        *_destinations(document, known),
        *_dids(document),
        *_emergency(document, known),
        *check_contact(document),
        *check_sharing(document),
        *check_numbers(document),
        *check_named(document),
        *check_dips(document),
        *check_attestation(document),
        *check_keys(document, secrets),
    ]


def _trunks(document: Document) -> Iterator[Finding]:
    for name, trunk in document.trunks.items():
        path = ("trunks", name)
        if trunk.tenant not in document.tenants:
            yield unknown((*path, "tenant"), "tenant", trunk.tenant, document.tenants)
        yield from _identity(path, trunk)
        yield from _number_plan((*path, "number_plan"), trunk.number_plan)


def _identity(path: Location, trunk: Trunk) -> Iterator[Finding]:
    if trunk.auth is None:
        if trunk.registers or trunk.require_digest:
            word = "registers" if trunk.registers else "require_digest"
            yield Finding((*path, word), f"`{word}` without a digest user", "add `auth: {user: ..., password: ...}`")
        elif not trunk.addresses:
            yield Finding(path, "nothing tells whose calls these are", "add `addresses` or `auth`", at_key=True)


def _number_plan(path: Location, plan: NumberPlan) -> Iterator[Finding]:
    if plan.min_digits > plan.max_digits:
        yield Finding((*path, "min_digits"), "`min_digits` is over `max_digits`", f"write at most {plan.max_digits}")
    if plan.bare == "national" and not plan.country_code:
        yield Finding((*path, "bare"), "national numbers need a country", 'add `country_code`, such as `"1"`')
    if plan.trunk_prefix and plan.trunk_prefix == plan.international_prefix:
        fix = 'write `""` for the one the dialer does not use'
        yield Finding((*path, "trunk_prefix"), "trunk and international prefix are the same", fix)
    ambiguous = plan.trunk_prefix[:1] not in ("", "0") and plan.trunk_prefix != plan.country_code
    if plan.bare == "international" and plan.country_code and ambiguous:
        yield Finding(
            (*path, "trunk_prefix"),
            f"a number that begins with {plan.trunk_prefix} could be national or international",
            'write `bare: national`, or `trunk_prefix: ""`',
        )


def _digest_users(document: Document, secrets: Mapping[str, str]) -> Iterator[Finding]:
    """Carriers choose the passwords they give us; only those of trunks are ours to judge."""
    owner: dict[str, str] = {}
    for name, trunk in document.trunks.items():
        if trunk.auth is None:
            continue
        path = ("trunks", name, "auth")
        other = owner.setdefault(trunk.auth.user, name)
        if other != name:
            fix = "give each trunk a user of its own"
            yield Finding((*path, "user"), f"trunk `{other}` has the digest user `{trunk.auth.user}` too", fix)
        secret = secrets.get(trunk.auth.password)
        if secret is not None and (len(secret) < SHORTEST_PASSWORD or len(set(secret)) < FEWEST_DIFFERENT):
            fix = f"use {SHORTEST_PASSWORD} random characters or more, such as `openssl rand -base64 18` prints"
            yield Finding((*path, "password"), "the password is weak", fix)


def _sources(document: Document) -> Iterator[Finding]:
    """A source address means one trunk or one carrier; gateways of one carrier may share theirs."""
    owner: dict[str, str] = {}
    claims: list[tuple[Location, str, str]] = []
    for name, trunk in document.trunks.items():
        path: Location = ("trunks", name, "addresses")
        claims += [((*path, at), network, f"trunk `{name}`") for at, network in enumerate(trunk.addresses)]
    for name, carrier in document.carriers.items():
        sections = {"defaults": carrier.defaults, **carrier.gateways}
        for point, section in sections.items():
            path = ("carriers", name, *(() if section is carrier.defaults else ("gateways",)), point, "addresses")
            claims += [((*path, at), network, f"carrier `{name}`") for at, network in enumerate(section.addresses)]
    for path, network, claimant in claims:
        other = owner.setdefault(network, claimant)
        if other != claimant:
            fix = "leave it with one of them, or write a narrower network"
            yield Finding(path, f"{other} has {network} too", fix)


def _carriers(document: Document) -> Iterator[Finding]:
    for name, carrier in document.carriers.items():
        sections: list[tuple[Location, GatewayDefaults]] = [(("defaults",), carrier.defaults)]
        sections += [(("gateways", point), gateway) for point, gateway in carrier.gateways.items()]
        for where, section in sections:
            for at, door in enumerate(section.local):
                if door in section.local[:at]:
                    yield Finding(("carriers", name, *where, "local", at), f"door `{door}` is named already", "keep one of them")
        for point in carrier.gateways:
            path = ("carriers", name, "gateways", point)
            gateway = carrier.merged(point)
            yield from _national((*path, "called"), gateway.called)
            yield from _national((*path, "caller"), gateway.caller)
            if gateway.caller.anonymous_from and gateway.caller.header == "from":
                fix = "add `header: pai`, or remove `anonymous_from`"
                yield Finding((*path, "caller", "anonymous_from"), "the number would travel nowhere", fix)


def _national(path: Location, wanted: Called | Caller) -> Iterator[Finding]:
    if wanted.style == "national" and not wanted.country_code:
        yield Finding((*path, "style"), "national numbers need a country", 'add `country_code`, such as `"1"`')


def _destinations(document: Document, known: Collection[str]) -> Iterator[Finding]:
    owner: dict[str, str] = {}
    for name, destination in document.destinations.items():
        path = ("destinations", name)
        for at, prefix in enumerate(destination.prefixes if not destination.operators else ()):
            if prefix in owner:
                where = "written twice here" if owner[prefix] == name else f"that of destination `{owner[prefix]}` too"
                yield Finding((*path, "prefixes", at), f'prefix "{prefix}" is {where}', "keep it in one place")
            owner.setdefault(prefix, name)
        yield from _routes(known, [route.to for route in destination.routes], (*path, "routes"), "to")
        yield from _shares(path, destination)


def _shares(path: Location, destination: Destination) -> Iterator[Finding]:
    total = sum(route.share for route in destination.routes)
    if destination.strategy in ("percentage", "experiment") and abs(total - 100) > SHARE_TOLERANCE:
        yield Finding((*path, "routes"), f"the shares sum to {total:g}, not 100", "change them to sum to 100")


def _routes(known: Collection[str], routes: list[str], path: Location, *key: str) -> Iterator[Finding]:
    for at, route in enumerate(routes):
        if route not in known:
            yield unknown((*path, at, *key), "carrier or gateway", route, known)
        elif route in routes[:at]:
            yield Finding((*path, at, *key), f"`{route}` is a route already", "keep one of them")


def _dids(document: Document) -> Iterator[Finding]:
    for number, did in document.dids.items():
        for at, name in enumerate(did.trunks):
            yield from check_takes_calls(document.trunks, name, ("dids", number, "trunks", at))


def _emergency(document: Document, known: Collection[str]) -> Iterator[Finding]:
    emergency = document.emergency
    yield from _routes(known, list(emergency.routes), ("emergency", "routes"))
    boards = [name for name, trunk in document.trunks.items() if trunk.kind == "pbx"]
    if boards and not emergency.routes:
        message = f"trunk `{boards[0]}` is a PBX, and its emergency calls have nowhere to go"
        yield Finding(("emergency",), message, "add `emergency: {routes: [...]}` with every carrier that takes them")
    if boards and not emergency.numbers:
        yield Finding(("emergency", "numbers"), "a PBX must be able to dial for help", 'add `"911"` or `"112"`')
    if "test_numbers" in emergency.model_fields_set:
        for at, number in enumerate(emergency.test_numbers):
            if number not in emergency.numbers:
                message = f"test number {number} is no emergency number"
                yield Finding(("emergency", "test_numbers", at), message, f'add `"{number}"` to `numbers`')
