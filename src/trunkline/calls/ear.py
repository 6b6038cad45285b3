"""What listening to the callee means for one call.

From an attempt's first SDP on, the studio gets a copy of what the carrier sends. What it hears is written down whatever the mode; a tone
in early media that proves a network failure ends the attempt like a final response would; and in gate mode the caller's 200 waits for
the verdict (`calls/gate.py`). After the answer the caller is listened to as well, until it speaks: the silence a callee hears between its
greeting and that is dead air.
"""

from typing import Final

from trunkline.calls.audio import CALLER
from trunkline.facts.heard import MACHINES
from trunkline.facts.outcome import Outcome, judge_tone
from trunkline.facts.record import Hearing
from trunkline.listen import Hearing as Sound
from trunkline.listen import Kind, Phase
from trunkline.media import MediaEngine, Subscribe
from trunkline.policy.snapshot import Listen
from trunkline.sip.fault import Fault
from trunkline.sip.sdp import parse_sdp
from trunkline.studio import Heard, Studio

VERDICTS: Final = frozenset((*MACHINES, Kind.HUMAN, Kind.ASSISTANT, Kind.UNKNOWN))
FALSE: Final = frozenset((Kind.RINGBACK, Kind.NO_AUDIO))
"Heard after the answer: nobody is there."

NO_SPEECH: Final = "NOSPEECH"
"Code of an `unknown` that means nobody spoke at all."

UNKNOWN: Final = Kind.UNKNOWN.value

TELLING: Final = (
    Kind.NO_AUDIO, Kind.SILENCE, Kind.UNKNOWN, Kind.CNG, Kind.BEEP, Kind.DIAL, Kind.FAX, Kind.MUSIC, Kind.RINGBACK, Kind.SPEECH, Kind.HUMAN, Kind.ASSISTANT,
    Kind.ANNOUNCEMENT, Kind.MACHINE, Kind.BUSY, Kind.UNOBTAINABLE, Kind.CONGESTION, Kind.SIT,
)  # fmt: skip
"What is heard before the answer, by how much it tells of the call: a later one replaces an earlier one on the record."

CLASSES: Final = {Kind.MUSIC: "custom_ringback", Kind.MACHINE: "voicemail"}
"Before the answer music is what a callee chose to be waited with, and a machine a mailbox that costs nothing yet."


class Ear:
    """The listening of one call."""

    __slots__ = (
        "beeped",
        "began",
        "call",
        "caller_began",
        "chance",
        "early",
        "early_kind",
        "engine",
        "formats",
        "greeted_at",
        "hears",
        "holds",
        "leg",
        "recorded",
        "settings",
        "studio",
        "tones",
        "verdict",
        "voice_at",
    )  # fmt: skip

    def __init__(self, studio: Studio, engine: MediaEngine, call: str, settings: Listen, holds: bool = False) -> None:
        self.studio = studio
        self.engine = engine
        self.call = call
        self.settings = settings
        self.holds = holds
        "What comes before the answer is listened to in any case: something depends on it."
        self.leg = -1
        "Leg whose audio the studio gets; -1 none."
        self.hears = False
        "That leg is listened to."
        self.chance = 0.0
        "Probability with which it was drawn for that; 0: it was not."
        self.began = 0.0
        "When listening to it began: what its hearings count from."
        self.formats: dict[int, str] = {}
        self.tones: list[str] = []
        "Tones heard before the answer, in order."
        self.early = ""
        "What was heard before the answer, as `Attempt.early_heard`."
        self.early_kind = -1
        self.verdict = ""
        "human, machine, assistant, announcement, fax, unknown, or false: nobody is there."
        self.beeped = False
        "The tone after which a message may be left has sounded."
        self.greeted_at = self.voice_at = 0.0
        "End of a human's greeting; the caller's first voice after the answer."
        self.caller_began = 0.0
        "When listening to the caller began; 0: it is not listened to."
        self.recorded = False

    @property
    def gates(self) -> bool:
        """The answer of the leg that is listened to waits for a verdict."""
        return self.settings.mode == "gate" and self.chance > 0.0

    def attach(self, leg: int, sdp: bytes, country: str, chance: float, now: float) -> None:
        """Hear what an attempt sends, from its first SDP on; later SDP may name other payload types.

        `chance` is what drew the attempt (`Coverage`), 0 where it was not drawn: then it is listened to before the answer at most.
        """
        formats = formats_of(sdp)
        if formats is None:
            return
        hears = (chance > 0.0 and self.settings.mode != "off") or self.holds
        if hears:
            address = self.studio.listen(self.call, leg, now, formats=formats, country=country)
        else:
            address = self.studio.tap(self.call, leg, now, formats=formats)
        self.formats = formats
        if address is not None and self.leg != leg:
            self.engine.command(Subscribe(self.call, leg, *address), now)
            self.leg, self.hears, self.began = leg, hears, now
            self.chance = chance if self.settings.mode != "off" else 0.0
            self.tones.clear()
            self.early, self.early_kind = "", -1
            self.verdict, self.beeped, self.greeted_at = "", False, 0.0

    def listen_again(self, now: float) -> None:
        """Hear whoever speaks from here on as if it had just answered: somebody may have come to the phone."""
        leg = self.leg
        self.verdict, self.beeped = "", False
        self.studio.forget(self.call, leg, now)
        address = self.studio.listen(self.call, leg, now, formats=self.formats, answered=True)
        if address is not None:
            self.began = now
            self.engine.command(Subscribe(self.call, leg, *address), now)

    def record(self, caller_sdp: bytes, file: str, now: float) -> None:
        """Record both sides from here on, the caller on the left."""
        formats = formats_of(caller_sdp)
        if formats is None or self.leg < 0:
            return
        address = self.studio.tap(self.call, CALLER, now, formats=formats)
        if address is not None:
            self.engine.command(Subscribe(self.call, CALLER, *address), now)
            self.recorded = self.studio.record(self.call, (CALLER, self.leg), file, now)

    def await_voice(self, caller_sdp: bytes, now: float) -> None:
        """Listen to the caller, who has just been connected, until it speaks."""
        formats = formats_of(caller_sdp)
        if formats is None or self.chance == 0.0 or not self.settings.dead_air:
            return
        address = self.studio.listen(self.call, CALLER, now, formats=formats, answered=True)
        if address is not None:
            self.caller_began = now
            self.engine.command(Subscribe(self.call, CALLER, *address), now)

    def heard_caller(self, sound: Sound, now: float) -> None:
        """The caller made itself heard, or did not: voice is speech, or the end of a silence."""
        if not self.caller_began or self.voice_at:
            return
        if "onset_s" in sound.features:
            self.voice_at = self.caller_began + sound.began_s + sound.features["onset_s"]
        elif sound.kind is Kind.SILENCE and sound.ended_s is not None:
            self.voice_at = self.caller_began + sound.ended_s
        else:
            return
        if not self.recorded:
            self.engine.command(Subscribe(self.call, CALLER, "", 0), now)
            self.studio.forget(self.call, CALLER, now)

    def dead_air_ms(self) -> float | None:
        """From the end of the greeting to the caller's voice; nothing where it spoke into the greeting."""
        if not self.greeted_at or not self.voice_at:
            return None
        return round(max(0.0, self.voice_at - self.greeted_at) * 1000, 1)

    def answered(self, leg: int, ring_s: float | None, early_media: bool, now: float) -> None:
        if self.chance > 0.0:
            self.studio.answered(self.call, leg, ring_s, early_media, now)

    def forget(self, leg: int, now: float) -> None:
        """An attempt is over."""
        if leg == self.leg:
            self.leg = -1
            self.chance = 0.0
            self.studio.forget(self.call, leg, now)

    def over(self, now: float) -> None:
        self.studio.forget(self.call, -1, now)

    def heard(self, event: Heard) -> Outcome | None:
        """Take in what was heard of the callee; what it means for an attempt that is not answered, if anything."""
        hearing = event.hearing
        if hearing.phase is Phase.EARLY:
            return self._heard_early(hearing)
        if hearing.kind in FALSE or (hearing.kind is Kind.UNKNOWN and hearing.code == NO_SPEECH):
            if self.verdict in ("", UNKNOWN):
                self.verdict = "false"
        elif hearing.kind is Kind.BEEP:
            self.beeped = True
        elif hearing.kind in VERDICTS and (hearing.kind is not Kind.UNKNOWN or not self.verdict):
            self.verdict = hearing.kind.value
            if hearing.kind is Kind.HUMAN and hearing.ended_s is not None:
                self.greeted_at = self.began + hearing.ended_s
        return None

    def _heard_early(self, hearing: Sound) -> Outcome | None:
        telling = TELLING.index(hearing.kind)
        tone = f"sit {hearing.code}" if hearing.kind is Kind.SIT else hearing.kind.value
        if telling > self.early_kind:
            self.early_kind = telling
            self.early = "custom_ringback" if hearing.code == "custom" else CLASSES.get(hearing.kind, tone)
        if hearing.kind not in (Kind.SIT, Kind.CONGESTION) or hearing.ambiguous:
            return None
        outcome = judge_tone(tone)
        vacant = outcome is not None and outcome.result.value == "vacant"
        confirmed = not vacant or tone in self.tones  # a number is given up only on hearing it twice
        self.tones.append(tone)
        return outcome if confirmed else None


def formats_of(sdp: bytes) -> dict[int, str] | None:
    """Which encoding each payload type of a description is; None where it describes no audio."""
    session = parse_sdp(sdp)
    audio = session.audio if not isinstance(session, Fault) else None
    return {codec.payload: codec.name for codec in audio.codecs} if audio is not None else None


def hearing_fact(event: Heard, party: str, mode: str, at: int) -> Hearing:
    """The record of something heard."""
    hearing = event.hearing
    return Hearing(
        event.call, event.leg, at, party, hearing.kind.value, hearing.code, hearing.phase.value, round(hearing.confidence, 3),
        round(hearing.began_s * 1000, 1), round(hearing.ended_s * 1000, 1) if hearing.ended_s is not None else None, round(hearing.said_s * 1000, 1),
        mode, {name: round(value, 3) for name, value in hearing.features.items()},
    )  # fmt: skip
