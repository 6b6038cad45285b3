"""What listening to the callee means for one call.

From an attempt's first SDP on, the studio gets a copy of what the carrier sends. What it hears is written down whatever the mode; a tone
in early media that proves a network failure ends the attempt like a final response would; and in gate mode the caller's 200 waits for
the verdict: a machine is released, everything else is connected (rule 9: open on conversation).
"""

from trunkline.calls.audio import CALLER
from trunkline.facts.heard import MACHINES
from trunkline.facts.outcome import Outcome, judge_tone
from trunkline.facts.record import Hearing
from trunkline.listen import Kind, Phase
from trunkline.media import MediaEngine, Subscribe
from trunkline.policy.snapshot import Listen
from trunkline.sip.fault import Fault
from trunkline.sip.sdp import parse_sdp
from trunkline.studio import Heard, Studio

VERDICTS = frozenset((*MACHINES, Kind.HUMAN, Kind.ASSISTANT, Kind.UNKNOWN))
FALSE = frozenset((Kind.RINGBACK, Kind.NO_AUDIO))
"Heard after the answer: nobody is there."

NO_SPEECH = "NOSPEECH"
"Code of an `unknown` that means nobody spoke at all."

UNKNOWN = Kind.UNKNOWN.value


class Ear:
    """The listening of one call."""

    __slots__ = ("call", "engine", "leg", "settings", "studio", "tones", "verdict")

    def __init__(self, studio: Studio, engine: MediaEngine, call: str, settings: Listen) -> None:
        self.studio = studio
        self.engine = engine
        self.call = call
        self.settings = settings
        self.leg = -1
        "Leg that is listened to; -1 none."
        self.tones: list[str] = []
        "Tones heard before the answer, in order."
        self.verdict = ""
        "human, machine, assistant, announcement, fax, unknown, or false: nobody is there."

    @property
    def gates(self) -> bool:
        return self.settings.mode == "gate"

    def attach(self, leg: int, sdp: bytes, country: str, now: float) -> None:
        """Hear what an attempt sends, from its first SDP on; later SDP may name other payload types."""
        formats = formats_of(sdp)
        if formats is None:
            return
        if self.settings.mode == "off":
            address = self.studio.tap(self.call, leg, now, formats=formats)
        else:
            address = self.studio.listen(self.call, leg, now, formats=formats, country=country)
        if address is not None and self.leg != leg:
            self.engine.command(Subscribe(self.call, leg, *address), now)
            self.leg = leg
            self.tones.clear()

    def record(self, caller_sdp: bytes, file: str, now: float) -> None:
        """Record both sides from here on, the caller on the left."""
        formats = formats_of(caller_sdp)
        if formats is None or self.leg < 0:
            return
        address = self.studio.tap(self.call, CALLER, now, formats=formats)
        if address is not None:
            self.engine.command(Subscribe(self.call, CALLER, *address), now)
            self.studio.record(self.call, (CALLER, self.leg), file, now)

    def answered(self, leg: int, ring_s: float | None, early_media: bool, now: float) -> None:
        self.studio.answered(self.call, leg, ring_s, early_media, now)

    def forget(self, leg: int, now: float) -> None:
        """An attempt is over."""
        if leg == self.leg:
            self.leg = -1
            self.studio.forget(self.call, leg, now)

    def over(self, now: float) -> None:
        self.studio.forget(self.call, -1, now)

    def heard(self, event: Heard) -> Outcome | None:
        """Take in what was heard; what it means for an attempt that is not answered, if anything."""
        hearing = event.hearing
        if hearing.phase is Phase.EARLY:
            if hearing.kind not in (Kind.SIT, Kind.CONGESTION) or hearing.ambiguous:
                return None
            tone = f"sit {hearing.code}" if hearing.kind is Kind.SIT else "congestion"
            outcome = judge_tone(tone)
            vacant = outcome is not None and outcome.result.value == "vacant"
            confirmed = not vacant or tone in self.tones  # a number is given up only on hearing it twice
            self.tones.append(tone)
            return outcome if confirmed else None
        if hearing.kind in FALSE or (hearing.kind is Kind.UNKNOWN and hearing.code == NO_SPEECH):
            if self.verdict in ("", UNKNOWN):
                self.verdict = "false"
        elif hearing.kind in VERDICTS and (hearing.kind is not Kind.UNKNOWN or not self.verdict):
            self.verdict = hearing.kind.value
        return None


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
