"""Kamailio of Debian as a stateful record-routing proxy (`kamailio.cfg`).

Not a B2BUA: it keeps transactions, not dialogs, and writes no record. That is the point: it is the cheapest thing a
carrier layer could be built on, and it is run as it was found cheapest: one worker, which carries more than a thousand
calls a second, and the memory manager without checks. `shipped` is the same proxy with the workers and the memory
manager of Debian's package; README.md has the figures.
"""

import shutil
from pathlib import Path

from bench.peers.running import Launch, PeerError
from bench.ports import Address, free_addresses

CHEAPEST = ["-n", "1", "-x", "fm", "-X", "fm"]
AS_SHIPPED = ["-n", "8", "-x", "qm", "-X", "qm"]


def cheapest(folder: Path, next_hop: Address) -> Launch:
    """Give the command of the fair peer."""
    return proxy(folder, next_hop, CHEAPEST)


def shipped(folder: Path, next_hop: Address) -> Launch:
    """Give the command of the proxy as most installations run it."""
    return proxy(folder, next_hop, AS_SHIPPED)


def proxy(folder: Path, next_hop: Address, settings: list[str]) -> Launch:
    """Give the command of a proxy that sends everything to `next_hop`."""
    program = shutil.which("kamailio")
    if program is None:
        raise PeerError("kamailio is not installed: apt-get install kamailio")
    (access,) = free_addresses(1)
    config = Path(__file__).with_name("kamailio.cfg")
    argv = [program, "-f", str(config), "-DD", "-E", "-m", "256", "-M", "16", *settings]
    argv += ["-l", f"udp:{access}", "-w", str(folder), "-Y", str(folder), "-A", f'NEXT_HOP="sip:{next_hop}"']
    return Launch(argv, access)
