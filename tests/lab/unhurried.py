"""An event loop whose clock stands still while there is something to do.

A dialer, a carrier and who listens to them send fifty packets a second on each of a hundred lines. Where all of them live in one process
the time they share need not be that of the wall: here it goes on only when all of them wait, by just as much as they wait for. What comes
out is the same on an idle machine and on one that does ten other things.
"""

import asyncio
import selectors
from typing import Any

ON_ITS_WAY_S = 0.0005
"What the kernel is given, each time, to deliver what was sent over loopback."


class _Selector(selectors.DefaultSelector):
    """Says at once that nothing came, and remembers how long it should have waited."""

    waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(ON_ITS_WAY_S)
        if not ready:
            self.waited_s += timeout
        return ready


class UnhurriedLoop(asyncio.SelectorEventLoop):
    """Its `time` is seconds spent waiting, from 0."""

    def __init__(self) -> None:
        self._waiting = _Selector()
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._waiting.waited_s


def run(coroutine: Any) -> Any:
    """`asyncio.run`, unhurried."""
    with asyncio.Runner(loop_factory=UnhurriedLoop) as runner:
        return runner.run(coroutine)
