"""Scenario files: how the far side behaves (`lab/scenarios/*.yaml`, described in docs/lab.md)."""

from pathlib import Path

import msgspec
import yaml

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


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    carriers: dict[str, CarrierBehaviour]
    dialer: DialerBehaviour = DialerBehaviour()
    seed: int = 1


def load_scenario(name: str) -> Scenario:
    """A scenario by file or by the name of a shipped one. Raises ScenarioError."""
    path = Path(name)
    if not path.is_file():
        path = SCENARIOS / f"{name}.yaml"
    try:
        scenario = msgspec.convert(yaml.load(path.read_text(), Loader=yaml.CSafeLoader), Scenario)
    except OSError as error:
        known = ", ".join(sorted(file.stem for file in SCENARIOS.glob("*.yaml")))
        raise ScenarioError(f"no scenario {name}; give a file, or one of {known}") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    if scenario.dialer.rate <= 0 or scenario.dialer.calls < 1:
        raise ScenarioError(f"{path}: dialer: rate and calls must be above 0")
    for carrier, behaviour in scenario.carriers.items():
        shares = (behaviour.answer_share, behaviour.hangs_up_share, behaviour.silence_share, *[failure.share for failure in behaviour.failures])
        if not all(0 <= share <= 1 for share in shares):
            raise ScenarioError(f"{path}: carriers.{carrier}: a share lies outside 0 to 1")
        if behaviour.early_media not in EARLY_MEDIA:
            raise ScenarioError(f"{path}: carriers.{carrier}: early_media {behaviour.early_media!r}: one of {', '.join(EARLY_MEDIA)}")
        if any(low > high or low < 0 for low, high in (behaviour.setup_ms, behaviour.ring_s, behaviour.talk_s)):
            raise ScenarioError(f"{path}: carriers.{carrier}: a range runs backwards; write [from, to]")
        total = behaviour.silence_share + sum(failure.share for failure in behaviour.failures)
        if total > 1:
            raise ScenarioError(f"{path}: carriers.{carrier}: silence_share and failures add up to {total:.2f}; make it at most 1")
    return scenario
