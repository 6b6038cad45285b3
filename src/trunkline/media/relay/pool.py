"""The relay's workers as processes. The I/O half beside `Relay`."""

from collections.abc import Callable

from trunkline.media.messages import WorkerDown, WorkerUp
from trunkline.media.relay.engine import Relay
from trunkline.media.relay.protocol import encode
from trunkline.media.workers import Program, WorkerPool

PROGRAM = Program("trunkline.media.relay", "relay", encode(WorkerUp()), encode(WorkerDown()))


class RelayPool(WorkerPool):
    """Runs the workers of one `Relay` on the running asyncio loop; it has started once port pairs are ready."""

    def __init__(self, relay: Relay, workers: int = 1, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called after the relay was given something: it may have events."""
        super().__init__(relay, PROGRAM, workers, lambda: relay.ready_pairs() > 0, wake)
