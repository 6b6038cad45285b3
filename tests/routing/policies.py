"""Policies of one destination, `us`, over carriers alpha, beta and gamma."""

from trunkline.policy import Snapshot, load_policy

PREAMBLE = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
carriers:
  alpha: {gateways: {main: {host: 10.0.0.1}}}
  beta: {gateways: {main: {host: 10.0.0.2}}}
  gamma: {gateways: {main: {host: 10.0.0.3}}}
"""


def policy(destination: str, more: str = "") -> Snapshot:
    """`destination` is the inside of a flow mapping, `more` further top-level YAML."""
    found = load_policy(PREAMBLE + more + f'destinations:\n  us: {{prefixes: ["1"], {destination}}}\n')
    assert isinstance(found, Snapshot), found
    return found


THREE = "routes: [{to: alpha, rate: 0.01}, {to: beta, rate: 0.0102}, {to: gamma, rate: 0.02}]"
