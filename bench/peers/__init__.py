"""The systems that Trunkline is measured against, and Trunkline itself, all started and stopped by `start`."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import kamailio, sippy, trunkline
from bench.peers.running import Launch, PeerError, Running, running
from bench.ports import Address

__all__ = ["OURS", "PEERS", "PeerError", "Running", "names", "start"]

OURS = "trunkline"
PEERS: dict[str, Callable[[Path, Address], Launch]] = {
    OURS: trunkline.launch,
    "trunkline-anchored": trunkline.anchored,
    "trunkline-deciding": trunkline.deciding,
    "kamailio": kamailio.cheapest,
    "sippy": sippy.launch,
    "kamailio-shipped": kamailio.shipped,
}


def names(text: str) -> list[str]:
    """Read a list such as `kamailio,sippy`; a ValueError names the peers there are."""
    found = [name.strip() for name in text.split(",")]
    if unknown := set(found) - PEERS.keys():
        raise ValueError(f"no such peer: {', '.join(sorted(unknown))} (there are {', '.join(PEERS)})")
    return found


@contextmanager
def start(name: str, next_hop: Address) -> Iterator[Running]:
    """Run a peer that sends calls on to `next_hop`, in a temporary folder of its own."""
    with tempfile.TemporaryDirectory(prefix=f"bench-{name}-") as folder:
        place = Path(folder)
        with running(PEERS[name](place, next_hop), place) as peer:
            yield peer
