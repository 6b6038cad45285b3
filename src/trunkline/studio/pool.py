"""The studio's workers as processes. The I/O half beside `Studio`."""

from collections.abc import Callable

from trunkline.media.messages import WorkerDown, WorkerUp
from trunkline.media.workers import ONE_THREAD, Program, WorkerPool
from trunkline.studio.engine import Studio
from trunkline.studio.protocol import encode
from trunkline.studio.settings import StudioSettings

# Read by the allocator as a process begins: numpy's temporaries stay in the heap, rather than being mapped and faulted in at every tick.
KEEP_HEAP = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456"}
PROGRAM = Program("trunkline.studio", "studio", encode(WorkerUp()), encode(WorkerDown()), {**ONE_THREAD, **KEEP_HEAP})


class StudioPool(WorkerPool):
    """Runs the workers of one `Studio` on the running asyncio loop; it has started once ports are ready."""

    def __init__(self, studio: Studio, settings: StudioSettings, wake: Callable[[], None] = lambda: None) -> None:
        """`wake` is called after the studio was given something: it may have events."""
        super().__init__(studio, PROGRAM, settings.workers, lambda: studio.ready_lines() > 0, wake)
