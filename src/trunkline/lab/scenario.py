"""Scenario files: how the far side behaves (`lab/scenarios/*.yaml`, described in docs/lab.md)."""

from pathlib import Path

import msgspec

from trunkline.lab.document import read
from trunkline.lab.voices import KINDS, has_tones

SCENARIOS = Path(__file__).parent / "scenarios"


EARLY_MEDIA = ("180", "183", "183+sdp", "183+sdp only", "none")


class ScenarioError(Exception):
    """The scenario cannot be used; the text names place and fix."""


class Failure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way a carrier says no."""

    share: float
    "Share of all calls, 0 to 1."
    status: int
    reason: str = ""
    "Reason header, such as `Q.850;cause=34`."
    retry_after: int = 0
    early: str = ""
    "What is played before the refusal, by 183 with SDP: a kind of `voices.KINDS`, such as `sit-ic`."
    early_s: float = 0.0
    "How long; 0 plays it once."


class CarrierBehaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one carrier treats calls."""

    setup_ms: tuple[float, float] = (50, 200)
    "Delay before the first 18x, from and to."
    ring_s: tuple[float, float] = (0.5, 2.0)
    "Ringing before the answer."
    answer_share: float = 0.6
    "Share of calls that ring and are answered; the rest of those that ring are not."
    talk_s: tuple[float, float] = (1.0, 5.0)
    hangs_up_share: float = 0.5
    "Share of answered calls the callee ends."
    silence_share: float = 0.0
    "Share of INVITEs that get no response at all."
    early_media: str = "180"
    "180, 183 (no SDP, then 180), 183+sdp (then 180), 183+sdp only, or none."
    failures: tuple[Failure, ...] = ()
    early_audio: dict[str, float] = {}
    "What is heard after a 183 with SDP, kind to share; they add up to 1. Empty: ringback."
    callees: dict[str, float] = {}
    "Who answers, kind to share; they add up to 1. Empty: humans."
    false_answer_share: float = 0.0
    "Share of the calls that ring which the carrier answers itself, with nobody there, before `answer_share` is asked."
    false_answers: dict[str, float] = msgspec.field(default_factory=lambda: {"ringback": 0.7, "silence": 0.3})
    "What is heard after such an answer, kind to share; they add up to 1."
    false_answer_after_s: tuple[float, float] | None = None
    "From ringing to such an answer; None as `ring_s`. A machine answers at one pace, people do not."
    country: str = "us"
    "Whose ringback, busy and congestion sound."
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    "In order of preference."

    @property
    def talks(self) -> bool:
        """Whether anything is to be heard at all; else there is no RTP."""
        return bool(self.callees or self.early_audio or self.false_answer_share or any(failure.early for failure in self.failures))


class DialerBehaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the dialer places calls."""

    calls: int = 500
    rate: float = 25.0
    "Calls a second."
    ring_limit_s: float = 6.0
    "Unanswered calls are cancelled after ringing this long."
    talk_limit_s: float = 8.0
    numbers: tuple[str, ...] = ("14155550100", "12125550100", "442079460100")
    "Bases; the last two digits vary."
    agent_after_s: tuple[float, float] = (0.4, 2.0)
    "Where carriers talk: from the answer to the agent's first word."
    codecs: tuple[str, ...] = ("PCMU", "PCMA")
    "Offered, in order of preference."


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carriers: dict[str, CarrierBehaviour]
    dialer: DialerBehaviour = DialerBehaviour()
    seed: int = 1

    @property
    def talks(self) -> bool:
        """Whether any carrier has audio; the dialer then has too."""
        return any(behaviour.talks for behaviour in self.carriers.values())


def load_scenario(name: str) -> Scenario:
    """A scenario by file or by the name of a shipped one. Raises ScenarioError."""
    path, scenario = read(name, SCENARIOS, Scenario, ScenarioError)
    _check_dialer(path, scenario.dialer)
    for carrier, behaviour in scenario.carriers.items():
        _check_calls(f"{path}: carriers.{carrier}", behaviour)
        _check_audio(f"{path}: carriers.{carrier}", behaviour)
    return scenario


def _check_dialer(path: Path, dialer: DialerBehaviour) -> None:
    if dialer.rate <= 0 or dialer.calls < 1:
        raise ScenarioError(f"{path}: dialer: rate and calls must be above 0")
    if not 0 <= dialer.agent_after_s[0] <= dialer.agent_after_s[1]:
        raise ScenarioError(f"{path}: dialer: agent_after_s runs backwards; write [from, to]")
    _check_codecs(f"{path}: dialer", dialer.codecs)


def _check_calls(place: str, behaviour: CarrierBehaviour) -> None:
    shares = (
        behaviour.answer_share, behaviour.hangs_up_share, behaviour.silence_share, behaviour.false_answer_share,
        *[failure.share for failure in behaviour.failures],
    )  # fmt: skip
    if not all(0 <= share <= 1 for share in shares):
        raise ScenarioError(f"{place}: a share lies outside 0 to 1")
    if behaviour.early_media not in EARLY_MEDIA:
        raise ScenarioError(f"{place}: early_media {behaviour.early_media!r}: one of {', '.join(EARLY_MEDIA)}")
    ranges = [behaviour.setup_ms, behaviour.ring_s, behaviour.talk_s, behaviour.false_answer_after_s or (0.0, 0.0)]
    if any(low > high or low < 0 for low, high in ranges):
        raise ScenarioError(f"{place}: a range runs backwards; write [from, to]")
    total = behaviour.silence_share + sum(failure.share for failure in behaviour.failures)
    if total > 1:
        raise ScenarioError(f"{place}: silence_share and failures add up to {total:.2f}; make it at most 1")


def _check_audio(place: str, behaviour: CarrierBehaviour) -> None:
    for key in ("early_audio", "callees", "false_answers"):
        kinds: dict[str, float] = getattr(behaviour, key)
        for kind in kinds:
            _check_kind(f"{place}: {key}", kind)
        if kinds and (min(kinds.values()) < 0 or abs(sum(kinds.values()) - 1) > 0.001):
            raise ScenarioError(f"{place}: {key}: the shares add up to {sum(kinds.values()):.2f}; make it 1")
    for failure in behaviour.failures:
        if failure.early:
            _check_kind(f"{place}: failures", failure.early)
    if not behaviour.false_answers:
        raise ScenarioError(f"{place}: false_answers: name what is heard, such as {{ringback: 1}}")
    if not has_tones(behaviour.country):
        raise ScenarioError(f"{place}: country {behaviour.country!r}: its tones are not known")
    _check_codecs(place, behaviour.codecs)


def _check_kind(place: str, kind: str) -> None:
    if kind not in KINDS:
        raise ScenarioError(f"{place}: {kind!r}: one of {', '.join(KINDS)}")


def _check_codecs(place: str, codecs: tuple[str, ...]) -> None:
    if not codecs or any(codec not in ("PCMU", "PCMA") for codec in codecs):
        raise ScenarioError(f"{place}: codecs: PCMU, PCMA or both")
