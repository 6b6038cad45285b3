"""The policy document: what a person writes, section by section."""

from trunkline.policy.attestation import Attestation
from trunkline.policy.carriers import Carrier
from trunkline.policy.compliance import Compliance, Retry
from trunkline.policy.destinations import Band, Destination, Did, Emergency
from trunkline.policy.dips import Dip
from trunkline.policy.pools import Numbers, Pool
from trunkline.policy.rates import Currency, OwnCurrency, Worths
from trunkline.policy.scalars import DidNumber, Name
from trunkline.policy.section import Section, key
from trunkline.policy.trunks import Tenant, Trunk


class Document(Section):
    """One YAML file, checked as a whole and put in force as a whole."""

    tenants: dict[Name, Tenant] = key({}, example="{acme: {channels: 500, cps: 60}}")
    "Customers or business units by name."
    trunks: dict[Name, Trunk] = key({}, example="{vici-1: {tenant: acme, addresses: [192.0.2.10]}}")
    "Dialers and PBXs by name."
    carriers: dict[Name, Carrier] = key({}, example="{alpha: {gateways: {ny: {host: sip.alpha.example}}}}")
    "Carriers by name."
    destinations: dict[Name, Destination] = key({}, example='{us: {prefixes: ["1"], routes: [{to: alpha}]}}')
    "Groups of called numbers by name."
    bands: dict[Name, Band] = key({}, example='{morning: {begins: "08:00", ends: "12:00"}}')
    "Parts of the week whose calls are judged apart; hours of no band are judged together."
    dids: dict[DidNumber, Did] = key({}, example='{"+14155550100": {trunks: [office]}}')
    "Inbound numbers in E.164, in quotes."
    emergency: Emergency = key(Emergency(), example='{numbers: ["911"], routes: [alpha]}')
    "Emergency calls."
    currency: OwnCurrency = key("", example="USD")
    "What prices are in; needed as soon as a deck names a currency."
    currencies: dict[Currency, Worths] = key({}, example='{EUR: 1.08, GBP: {"2026-01-01": 1.27, "2026-07-01": 1.29}}')
    "What a unit of another currency is worth in that, from a day (UTC) on where days are written."
    dips: dict[Name, Dip] = key({}, example='{lnp: {prefixes: ["1"], enum: lnp.example}}')
    "Databases that say who serves a number."
    compliance: Compliance = key(Compliance(), example="{defaults: [us, us_states]}")
    "When and how often the law lets people be called."
    retries: dict[Name, Retry] = key({}, example="{patient: {after: {busy: 15m, no_answer: 2h}, caps: [{calls: 3, within: 24h}]}}")
    "How soon and how often you call people again, by name; of a rule's keys it has those from `tenants` to `counted`."

    numbers: Numbers = key(Numbers(), example="{areas: areas.csv}")
    "What holds for all numbers you call with."
    pools: dict[Name, Pool] = key({}, example="{us-sales: {per_day: 80, sticky_days: 60}}")
    "How the numbers of a pool are used, by the pool's name in the inventory."
    attestation: Attestation = key(Attestation(), example='{roots: sti-roots.pem, hosts: [".example.org"]}')
    "Signing calls and judging signed ones; nothing is signed without a tenant's key."

    def route_gateways(self) -> dict[str, tuple[str, ...]]:
        """Every name a route may have, and the gateways behind it in the order written."""
        routes: dict[str, tuple[str, ...]] = {}
        for name, carrier in self.carriers.items():
            gateways = tuple(f"{name}/{point}" for point in carrier.gateways)
            routes[name] = gateways
            routes.update({gateway: (gateway,) for gateway in gateways})
        return routes
