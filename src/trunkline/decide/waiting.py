"""Calls that cannot be decided on yet: they wait for their turn under a rate, or for a portability look-up (rows T7, R13)."""

from trunkline.guard.limits import Limit, Limits
from trunkline.guard.pacing import Full, Go, Pacer, Wait
from trunkline.numbering.dip import Answer, Dips
from trunkline.numbering.dip import Waiting as Asked
from trunkline.policy.snapshot import Pace, Snapshot, Trunk

SILENT = Answer()
"What a call goes by that may not wait and finds nothing."

AT_ONCE = Pace()


class Waiting:
    """Who waits for what."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pacer = Pacer(limits)
        self.dips = Dips()
        self._answers: dict[str, Go | Full] = {}
        "Calls whose turn was decided: let go, their limits taken, or refused."
        self._asking: dict[str, list[str]] = {}
        "Number -> calls that wait for what is known of it."
        self._known: list[str] = []
        "Numbers that need not be waited for any longer."

    def follow(self, policy: Snapshot) -> None:
        """A new policy is in force."""
        self.dips.follow(policy.dips)

    def looked_up(self, call: str, number: str, now: float, patient: bool) -> Answer | Asked | None:
        """What the databases know of a number in E.164; None where none is asked about it."""
        found = self.dips.ask(number, now)
        if not isinstance(found, Asked):
            return found
        if not patient:
            return SILENT
        self._asking.setdefault(number, []).append(call)
        return found

    def turn(self, call: str, trunk: Trunk, limits: tuple[Limit, ...], now: float, patient: bool) -> Go | Wait | Full:
        """Whether a call may go under its rates; with Go its channels and rates are taken."""
        decided = self._answers.pop(call, None) if self._answers else None
        if decided is not None:
            return decided
        return self.pacer.ask(call, f"tenant {trunk.tenant}", f"trunk {trunk.name}", limits, trunk.pace if patient else AT_ONCE, now)

    def answered(self, numbers: list[str]) -> None:
        """These need not be waited for any longer: their database spoke, or will not."""
        self._known += numbers

    def due(self, now: float) -> list[str]:
        """Calls to decide on now, in the order they are to be placed."""
        calls = [call for number in self._known for call in self._asking.pop(number, ())]
        self._known.clear()
        if self.pacer.timer() is not None:
            released = self.pacer.due(now)
            self._answers.update(released)
            calls += [call for call, _ in released]
        return calls

    def next_due(self) -> float | None:
        """When to ask; None where nobody waits for a turn."""
        return self.pacer.timer()

    def left(self, call: str, limits: tuple[Limit, ...]) -> None:
        """The call is gone; what was taken for it is given back."""
        self.pacer.leave(call)
        if isinstance(self._answers.pop(call, None), Go):
            self.limits.give(*[limit.name for limit in limits])
