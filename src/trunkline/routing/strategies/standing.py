"""How routes stand, for people to see."""

from msgspec import Struct


class Standing(Struct, frozen=True, gc=False):
    """How a route stands in a segment: a line of `trunkline routes`."""

    gateway: str
    share: float
    "Share of first attempts it gets while every circuit is closed."
    worth: float
    "Expected worth of an attempt, in the policy's money."
    attempts: float
    "First attempts behind it, after forgetting."
    answers: tuple[float, float]
    "Beta parameters of the answered share."
    humans: tuple[float, float]
    "Beta parameters of the share of humans among answers."
    heard: float
    "Answers somebody listened to, after forgetting."
    false: float
    "Share of answers with nobody there."
    failing: float
    "Share of attempts that fail for the route's sake."
    bill: float
    "Money per answer."
    sound: bool
    "It takes part in holdout and floor."
    ceiling: int = 0
    "Our calls at once from which on its calls came to nothing; 0 while none was found."
    early: dict[str, float] = {}
    "What is heard before the answer (`cell.EARLY_MEDIA`), as shares of what was listened to."
