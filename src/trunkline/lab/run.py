"""The lab on real sockets: carriers and dialer in this process, on loopback."""

import itertools
import os
import socket
from random import Random

from trunkline.lab.carrier import Carrier
from trunkline.lab.dialer import Dialer
from trunkline.lab.lines import Lines
from trunkline.lab.scenario import CarrierBehaviour, DialerBehaviour
from trunkline.sip.asyncio import Network
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.flow import Address, Door, Flow

_candidates = itertools.count(os.getpid() * 101)


def free_port() -> int:
    """A port of the loopback address nobody has, UDP or TCP.

    It lies below the ports the system hands out and those of the relay, and every process looks in its own order: else another takes it
    before whoever it is for has bound it.
    """
    for _ in range(10_000):
        port = 20_000 + next(_candidates) % 9_999
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
    raise OSError("no free port between 20000 and 29998 on 127.0.0.1")


async def open_carrier(name: str, behaviour: CarrierBehaviour, port: int, seed: int, lines: Lines | None = None) -> tuple[Carrier, Network]:
    """A carrier listening on 127.0.0.1:port; with `lines` it talks, where its scenario says so. `Carrier.truths` says what it played."""
    endpoint = Endpoint(Random(seed))
    carrier = Carrier(name, endpoint, behaviour, Random(seed + 1), lines.open if lines is not None else None)
    network = Network(endpoint, carrier.handle_events)
    await network.open(Door(name, "udp", "127.0.0.1", port))
    return carrier, network


async def open_dialer(behaviour: DialerBehaviour, trunk: Address, seed: int, lines: Lines | None = None) -> tuple[Dialer, Network]:
    """A dialer that calls through the trunk at this address; it starts when told to. With `lines` its calls have audio."""
    endpoint = Endpoint(Random(seed))
    door = Door("dialer", "udp", "127.0.0.1", free_port())
    dialer = Dialer(endpoint, Flow(door, trunk), behaviour, Random(seed + 1), lines.open if lines is not None else None)
    network = Network(endpoint, dialer.handle_events)
    await network.open(door)
    return dialer, network
