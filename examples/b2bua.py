"""A whole B2BUA on Trunkline's public API: whatever calls port 5060 is connected to 127.0.0.1:5070, and every record is printed.

    python examples/b2bua.py            # then: sipp -sn uas -p 5070;  sipp -sn uac 127.0.0.1:5060 -s 14155550123
"""

import asyncio
from random import Random

from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Call
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.asyncio import Network
from trunkline.sip.flow import Door

POLICY = """
tenants: {me: {}}
trunks: {dialer: {tenant: me, addresses: [127.0.0.1], number_plan: {min_digits: 3}}}
carriers: {next: {gateways: {hop: {host: "127.0.0.1:5070"}}}}
destinations: {all: {prefixes: [""], strategy: priority, routes: [{to: next}]}}
"""


async def main() -> None:
    trunks, carriers = Door("trunks", "udp", "127.0.0.1", 5060), Door("carriers", "udp", "127.0.0.1", 5080)
    policy = load_policy(POLICY)
    assert isinstance(policy, Snapshot), policy
    core = Core(policy, StaticPlaces({"udp": carriers}), lambda fact: print(fact) if isinstance(fact, Call) else None, Clock.system(), Random())
    network = Network(core.endpoint, core.board.handle_events, core.accepts)
    for door in (trunks, carriers):
        await network.open(door)
    core.start(network.now())
    network.turn(network.now())
    await asyncio.Event().wait()


asyncio.run(main())
