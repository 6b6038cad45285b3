"""Do-not-call lists and the ledger, looked after: replaced lists come into force, and what is wrong with either is an alarm."""

from collections.abc import Callable

from trunkline.guard import Compliance
from trunkline.node.repeats import Repeats

LOOK_S = 1.0


class ContactWatch:
    """Looks once a second."""

    def __init__(self, compliance: Compliance, alarm: Callable[[str, str, str], None]) -> None:
        """`alarm` is told code, subject and text."""
        self._compliance = compliance
        self._alarm = alarm
        self._next = 0.0
        self._repeats = Repeats()

    def look(self, now: float, at_us: int) -> None:
        """Costs a `stat` a list."""
        if now < self._next:
            return
        self._next = now + LOOK_S
        self._compliance.look()
        wrong = {("compliance.list", name): why for name, why in self._compliance.lists.faults.items()}
        forgotten = self._compliance.forgotten_s(at_us)
        if forgotten:
            text = "the ledger forgets calls that rules still count; raise `compliance: {remember: ...}` and restart"
            wrong["compliance.remember", "ledger"] = text
        for (code, subject), text in wrong.items():
            if self._repeats.is_news(subject, text, now):
                self._alarm(code, subject, text)
