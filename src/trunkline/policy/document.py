"""The policy document: what a person writes, section by section."""

from trunkline.policy.carriers import Carrier
from trunkline.policy.destinations import Band, Destination, Did, Emergency
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

    def route_gateways(self) -> dict[str, tuple[str, ...]]:
        """Every name a route may have, and the gateways behind it in the order written."""
        routes: dict[str, tuple[str, ...]] = {}
        for name, carrier in self.carriers.items():
            gateways = tuple(f"{name}/{point}" for point in carrier.gateways)
            routes[name] = gateways
            routes.update({gateway: (gateway,) for gateway in gateways})
        return routes
