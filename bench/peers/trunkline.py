"""Trunkline as shipped: everything on, media bypassed, one tenant with one trunk, one carrier and one route."""

import shutil
import sys
import time
from pathlib import Path

from bench.peers.running import Launch, PeerError
from bench.ports import Address, free_addresses

SETTINGS = """\
[node]
data = "{folder}/data"
policy = "{folder}/policy.yaml"

[[listen]]
for = "trunks"
transport = "udp"
address = "{access}"

[[listen]]
for = "carriers"
transport = "udp"
address = "{outside}"
"""

POLICY = """\
tenants:
  bench: {{channels: 100000, cps: 10000}}

trunks:
  dialer:
    tenant: bench
    addresses: [127.0.0.1]
    channels: 100000
    cps: 10000
    number_plan: {{country_code: "1"}}
    listen: {{mode: "{listen}"}}
    caller_id: {caller_id}

carriers:
  carrier:
    channels: 100000
    gateways:
      gateway: {{host: "{next_hop}", called: {{style: plus}}}}

destinations:
  everywhere:
    prefixes: [""]
    strategy: {strategy}
    routes: [{{to: carrier, rate: 0.01}}]
"""

NUMBERS = 5_000
"Enough for the caps of a pool: a number makes at most 5 calls a minute."


def launch(folder: Path, next_hop: Address) -> Launch:
    """Give the command of a node that carries every call to `next_hop`; its settings and policy are put in `folder`."""
    return node(folder, next_hop)


def anchored(folder: Path, next_hop: Address) -> Launch:
    """Give the command of the same node with every call's audio anchored by the relay and listened to."""
    return node(folder, next_hop, '\n[media]\nengine = "relay"\n', "shadow")


def deciding(folder: Path, next_hop: Address) -> Launch:
    """Give the command of the same node that learns from every call and gives each a number of its own inventory."""
    from trunkline.facts.numbers import NumberAdded, NumberTransition
    from trunkline.records import Journal

    journal = Journal(folder / "data" / "journal")
    at = time.time_ns() // 1000
    for i in range(NUMBERS):
        number = f"+1{415 + i % 50}555{1000 + i}"
        journal.append(NumberAdded(at, number, "bench", "geographic", "US", number[2:5], "bench", "bench", "carrier", "loa", "2026-01-01", "", "", "bench"))
        journal.append(NumberTransition(at, number, "stock", "production", "promote", "bench", {}, "bench"))
    journal.flush(at)
    journal.close(at)
    return node(folder, next_hop, caller_id="{use: replace, pool: bench}", strategy="performance")


def node(
    folder: Path, next_hop: Address, media: str = "", listen: str = "off", caller_id: str = "{use: pass}", strategy: str = "priority"
) -> Launch:
    """Give the command of a node."""
    program = shutil.which("trunkline", path=str(Path(sys.executable).parent)) or shutil.which("trunkline")
    if program is None:
        raise PeerError("trunkline is not installed in this environment: pip install -e .")
    access, outside = free_addresses(2)
    settings = folder / "trunkline.toml"
    settings.write_text(SETTINGS.format(folder=folder, access=access, outside=outside) + media)
    (folder / "policy.yaml").write_text(POLICY.format(next_hop=next_hop, listen=listen, caller_id=caller_id, strategy=strategy))
    return Launch([program, "serve", "--settings", str(settings)], access)
