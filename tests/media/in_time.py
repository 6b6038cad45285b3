"""Audio before other work: what keeps a call's time must not wait for a compiler."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

NICENESS = -10


@contextmanager
def before_others() -> Iterator[None]:
    """While entered, this thread and what it starts have the processor first, where the machine lets us: phones and media servers share theirs with nobody."""
    was = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, min(was, NICENESS))
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, was)
