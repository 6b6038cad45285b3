"""Recovery: what a node that starts again must put in order before it takes calls.

`OpenDialogs` follows, call by call, what is set up and not yet taken down. After a crash it names the dialogs whose
far ends still wait (BYE), the INVITEs nobody will answer for (CANCEL), those of callers who wait for an answer, and the calls that have no record yet.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from trunkline.facts.record import Asked, Attempt, AttemptStarted, Call, DialogClosed, DialogOpened, Fact, NodeStopped, Parked

from .checkpoint import Fold, in_pieces, load
from .read import Damage, Reading
from .segment import Position

PARTING_US = 2_000_000
"""How long a dialog we hung up is remembered: its fact is written before the BYE is sent, so a crash between the two leaves a far end
that never heard of it. A second BYE to one that did is answered 481. As long a caller who was refused is, and told so once more: it takes that
for a repeat."""


class OpenCall(Struct):
    """A call that is not over: something of it is still set up, its `Call` fact is missing, or its BYE may not have been sent."""

    call: str
    started: dict[int, AttemptStarted] = {}
    "By position: INVITEs without an `Attempt` fact, answered ones included."
    dialogs: dict[int, DialogOpened] = {}
    "By leg: dialogs without a `DialogClosed` fact."
    answered: set[int] = set()
    "Legs that had a dialog, open or not."
    attempts: dict[int, Attempt] = {}
    "By position: attempts that ended, in case the node has to write the `Call` fact."
    recorded: bool = False
    "The `Call` fact exists."
    parting: dict[int, DialogOpened] = {}
    "By leg: dialogs we hung up a moment ago."
    parted_at: int = 0
    "When the last of them was, UTC microseconds."
    parked: Parked | None = None
    "It had to wait before it could be decided on."
    asked: Asked | None = None
    "The INVITE of its caller, as long as it may not have heard a final answer."
    told: tuple[int, int, str] = (0, 0, "")
    "Status, Q.850 cause and refusal of that answer, once there was one."

    @property
    def pending(self) -> list[AttemptStarted]:
        """INVITEs to CANCEL: no dialog came of them."""
        return [fact for position, fact in self.started.items() if position not in self.answered]


class OpenDialogs:
    """The fold behind recovery: dialogs and attempts that were opened and not closed."""

    def __init__(self) -> None:
        self.calls: dict[str, OpenCall] = {}
        self._newest = 0
        self._parting: deque[str] = deque()
        "Calls with dialogs hung up a moment ago, oldest first."

    def apply(self, fact: Fact) -> None:
        """Follow the facts that open and close; leg n of a call is its attempt n."""
        follow = _FOLLOWED.get(type(fact))
        if follow is not None:
            follow(self, fact)

    def _parked(self, fact: Parked) -> None:
        call = self._of(fact.call)
        call.parked = fact
        call.asked = fact.asked

    def _attempted(self, fact: AttemptStarted) -> None:
        call = self._of(fact.call)
        call.started[fact.position] = fact
        if fact.asked is not None:
            call.asked = fact.asked

    def _opened(self, fact: DialogOpened) -> None:
        call = self._of(fact.call)
        call.dialogs[fact.leg] = fact
        call.answered.add(fact.leg)
        if fact.leg == 0:
            call.asked = None

    def _dialog_closed(self, fact: DialogClosed) -> None:
        call = self.calls.get(fact.call)
        if call is not None:
            self._part(call, fact.leg, fact.at)
            self._closed(call)

    def _attempt_over(self, fact: Attempt) -> None:
        call = self.calls.get(fact.call)
        if call is not None:
            call.started.pop(fact.position, None)
            self._part(call, fact.position, fact.at + int(fact.total_ms * 1000), fact.released_by == "carrier")
            if not call.recorded:
                call.attempts[fact.position] = fact
            self._closed(call)

    def _call_over(self, fact: Call) -> None:
        call = self.calls.get(fact.call)
        if call is not None:
            call.recorded = True
            self._part(call, 0, fact.at + int(fact.total_ms * 1000), fact.released_by == "dialer")
            call.attempts.clear()
            self._tell(call, fact)
            self._closed(call)

    def _closed(self, call: OpenCall) -> None:
        self._drop_if_over(call)
        self._let_go(self._newest - PARTING_US)

    def _stopped(self, fact: NodeStopped) -> None:
        """The node saw every goodbye out."""
        self._let_go(self._newest)

    def dump(self) -> Iterator[bytes]:
        return in_pieces(list(self.calls.values()))

    def load(self, pieces: Sequence[bytes]) -> None:
        self.__init__()  # type: ignore[misc]
        self.calls = {call.call: call for piece in pieces for call in msgspec.msgpack.decode(piece, type=list[OpenCall])}
        parting = sorted((call for call in self.calls.values() if call.parting or call.told[0]), key=lambda call: call.parted_at)
        self._parting.extend(call.call for call in parting)
        self._newest = parting[-1].parted_at if parting else 0

    def _of(self, call: str) -> OpenCall:
        known = self.calls.get(call)
        if known is None:
            known = self.calls[call] = OpenCall(call)
        return known

    def _part(self, call: OpenCall, leg: int, at: int, gone: bool = False) -> None:
        """A dialog is over; `gone`: its far end hung up and needs no goodbye."""
        dialog = call.dialogs.pop(leg, None)
        if dialog is not None and not gone:
            self._newest = call.parted_at = max(self._newest, at)
            call.parting[leg] = dialog
            self._parting.append(call.call)

    def _tell(self, call: OpenCall, fact: Call) -> None:
        """The caller is about to hear that its call failed."""
        if call.asked is None or fact.status < 300:
            call.asked = None
            return
        self._newest = call.parted_at = max(self._newest, fact.at + int(fact.total_ms * 1000))
        call.told = fact.status, fact.cause, fact.refusal
        self._parting.append(call.call)

    def _let_go(self, until: int) -> None:
        """Forget dialogs hung up and callers refused until then: the goodbye was sent."""
        waiting = self._parting
        while waiting:
            call = self.calls.get(waiting[0])
            if call is not None and call.parted_at > until:
                return
            waiting.popleft()
            if call is not None:
                call.parting.clear()
                if call.told[0]:
                    call.asked = None
                self._drop_if_over(call)

    def _drop_if_over(self, call: OpenCall) -> None:
        if call.recorded and not call.started and not call.dialogs and not call.parting and call.asked is None:
            self.calls.pop(call.call, None)


_Follow: TypeAlias = Callable[[OpenDialogs, Any], None]
_FOLLOWED: Final[dict[type, _Follow]] = {
    Parked: OpenDialogs._parked, AttemptStarted: OpenDialogs._attempted, DialogOpened: OpenDialogs._opened, DialogClosed: OpenDialogs._dialog_closed,
    Attempt: OpenDialogs._attempt_over, Call: OpenDialogs._call_over, NodeStopped: OpenDialogs._stopped,
}  # fmt: skip


class Recovered(Struct):
    """What the journal left a node that starts."""

    calls: list[OpenCall]
    "Calls that were not over, oldest first."
    folds: dict[str, Fold]
    "The folds given, having learnt everything up to `position`."
    position: Position
    "End of the last commit read."
    damage: list[Damage]
    "What could not be read in the part that was replayed."
    damaged_checkpoints: tuple[str, ...]
    rebuilt: tuple[str, ...]
    "Folds the checkpoint could not give: they were recomputed from the whole journal."

    @property
    def dialogs(self) -> list[DialogOpened]:
        """Dialogs to end with BYE, those whose BYE may not have been sent included."""
        return [dialog for call in self.calls for dialog in chain(call.dialogs.values(), call.parting.values())]

    @property
    def pending(self) -> list[AttemptStarted]:
        """INVITEs to CANCEL."""
        return [attempt for call in self.calls for attempt in call.pending]

    @property
    def unanswered(self) -> list[OpenCall]:
        """Calls whose INVITE needs a final answer, or the one it was given once more."""
        return [call for call in self.calls if call.asked is not None]

    @property
    def unrecorded(self) -> list[OpenCall]:
        """Calls that still need their `Call` fact, and an `Attempt` for each INVITE in `started`."""
        return [call for call in self.calls if not call.recorded]

    @property
    def torn_bytes(self) -> int:
        """Bytes a crash left without a commit; they were never acknowledged to anyone."""
        return sum(damage.bytes for damage in self.damage if damage.why == "torn")


OPEN_DIALOGS = "open_dialogs"
"Name of the `OpenDialogs` fold in checkpoints."


def recover(journal: Path, checkpoints: Path, folds: Mapping[str, Fold]) -> Recovered:
    """Load the newest whole checkpoint into `folds` and replay the journal from there.

    `OpenDialogs` is added where it is not among them. A fold the checkpoint does not hold, or that cannot read what
    it holds, starts empty and gets the whole journal.
    """
    open_dialogs = OpenDialogs()
    folds = {OPEN_DIALOGS: open_dialogs, **folds}
    loaded = load(checkpoints)
    saved = loaded.checkpoint
    rebuilt = tuple(name for name, fold in folds.items() if saved and not _restore(fold, saved.folds.get(name)))
    since = saved.position if saved else Position()
    reading = Reading(journal, Position() if rebuilt else since)
    everyone = [fold.apply for fold in folds.values()]
    behind = [folds[name].apply for name in rebuilt]
    for fact in reading:
        for apply in everyone if reading.position.order > since.order else behind:
            apply(fact)
    known = folds[OPEN_DIALOGS]
    return Recovered(
        calls=list(known.calls.values()) if isinstance(known, OpenDialogs) else [],
        folds=dict(folds),
        position=reading.position,
        damage=reading.damage,
        damaged_checkpoints=loaded.damaged,
        rebuilt=rebuilt,
    )


def _restore(fold: Fold, data: list[bytes] | None) -> bool:
    if data is None:
        return False
    try:
        fold.load(data)
    except ValueError:
        return False
    return True
