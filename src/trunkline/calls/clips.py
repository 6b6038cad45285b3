"""The first seconds of some answers, the callee alone, in one channel: evidence of false answers, and samples for people to label (rows L4, L6).

An answer is not yet known to be false when it begins, so a trunk with `evidence` keeps the first seconds of every answer it listens to and
throws away what turned out to be one. Samples are off until somebody switches them on for the running node, which a restart forgets; a drawn
answer is kept whatever it was heard as. Calls that are recorded as a whole need neither.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from trunkline.calls.ear import Ear
from trunkline.calls.shelf import Bounds, Shelf
from trunkline.facts.clock import Clock
from trunkline.sip.timers import Timers
from trunkline.studio import Recorded, Studio

if TYPE_CHECKING:
    from trunkline.calls.call import Call

EVIDENCE = Bounds(90.0, 2000, 1 << 30)
"A dispute with a carrier takes months; the oldest goes first where there is too much."
OFF = Bounds(30.0, 0, 0)


class Sampling(Struct, frozen=True, gc=False):
    """Which answers are kept for labelling."""

    share: float
    "Part of the answers that are listened to."
    seconds: int
    bounds: Bounds


class Clip:
    """One clip under way; ends its recording by a timer."""

    __slots__ = ("call", "file", "generation", "is_over", "purpose", "recorded", "studio")

    def __init__(self, call: str, file: Path, purpose: str, studio: Studio) -> None:
        self.call = call
        self.file = file
        self.purpose = purpose
        "Why it is kept; empty while there is no reason."
        self.studio = studio
        self.recorded: Recorded | None = None
        self.is_over = False
        "The call is."
        self.generation = 0

    def on_timer(self, what: int, now: float) -> None:
        self.studio.finish(self.call, now)


class Clips:
    """All clips of a node."""

    def __init__(self, timers: Timers, clock: Clock, recordings: str, random: Random, write: Callable[[Recorded, str, float], None]) -> None:
        """`recordings` is the folder beside which `evidence` and `samples` lie; `write` puts a kept clip on record."""
        folder = Path(recordings).parent
        self.evidence = Shelf(folder / "evidence", EVIDENCE)
        self.samples = Shelf(folder / "samples", OFF)
        self.sampling: Sampling | None = None
        self._timers = timers
        self._clock = clock
        self._random = random
        self._write = write
        self._open: dict[str, Clip] = {}

    def sample(self, sampling: Sampling | None) -> None:
        """Keep samples from here on, or none any more; those there are stay until they are too old."""
        self.sampling = sampling
        if sampling is not None:
            self.samples.bounds = sampling.bounds

    def answered(self, call: "Call", ear: Ear, now: float) -> None:
        """A callee that is listened to has answered."""
        if ear.chance == 0.0 or call.plan.trunk.record or call.id in self._open:
            return
        sampling = self.sampling
        at = self._clock.utc_us(now)
        seconds, purpose, shelf = ear.settings.evidence_s, "", self.evidence
        if sampling is not None and self._random.random() < sampling.share and self.samples.has_room(at):
            seconds, purpose, shelf = sampling.seconds, "sample", self.samples
        if not seconds:
            return
        file = shelf.folder / f"{call.id}.wav"
        shelf.count()  # makes sure of the folder
        if ear.studio.record(call.id, (ear.leg,), str(file), now):
            clip = self._open[call.id] = Clip(call.id, file, purpose, ear.studio)
            self._timers.at(now + seconds, clip, 0)

    def judged_false(self, call: str, now: float) -> None:
        """Nobody was behind a call's answer."""
        clip = self._open.get(call)
        if clip is not None and not clip.purpose:
            clip.purpose = "evidence"
            self._settle(clip, now)

    def recorded(self, event: Recorded, now: float) -> bool:
        """A file is complete; whether it was a clip."""
        clip = self._open.get(event.call)
        if clip is None or str(clip.file) != event.file:
            return False
        clip.generation += 1
        clip.recorded = event
        self._settle(clip, now)
        return True

    def lost(self, calls: tuple[str, ...]) -> None:
        """The studio lost these calls: their clips are torn."""
        for call in calls:
            clip = self._open.pop(call, None)
            if clip is not None:
                clip.generation += 1
                clip.file.unlink(missing_ok=True)

    def over(self, call: str, now: float) -> None:
        """The call is over: no reason will come any more."""
        clip = self._open.get(call)
        if clip is not None:
            clip.is_over = True
            clip.generation += 1
            self._settle(clip, now)

    def _settle(self, clip: Clip, now: float) -> None:
        recorded = clip.recorded
        if recorded is None or not (clip.purpose or clip.is_over):
            return
        del self._open[clip.call]
        if not clip.purpose or not recorded.bytes:
            clip.file.unlink(missing_ok=True)
            return
        shelf, at = (self.samples if clip.purpose == "sample" else self.evidence), self._clock.utc_us(now)
        if shelf is self.evidence:
            shelf.make_room(at)
        shelf.keep(clip.file, recorded.bytes, at)
        self._write(recorded, clip.purpose, now)
