"""What the rtpengine engine can be told: where the daemons are, and how patient to be with them."""

from enum import Enum

from msgspec import Struct


class Ranges(Enum):
    """What becomes of a `Side` that lists networks RTP may come from: rtpengine 10.5 cannot check a source against a list."""

    REFUSE = "refuse"
    "The offer fails. Nothing is accepted that the policy did not mean."
    LEARN = "learn"
    "The first source is learnt, wherever it is, as for a leg behind NAT. For networks where a packet filter does the checking."


class Daemon(Struct, frozen=True, gc=False):
    """One rtpengine, by the address of its NG socket (`--listen-ng`)."""

    host: str
    "A numeric address."
    port: int = 2223
    weight: int = 1
    "Share of new calls, relative to the other daemons."


class Settings(Struct, frozen=True):
    """How the daemons are used. Durations are seconds."""

    daemons: tuple[Daemon, ...]
    "At least one."
    repeat_s: float = 0.2
    "Wait before an unanswered datagram is repeated; doubled every time."
    deadline_s: float = 2.0
    "An offer or answer without a reply for so long has failed."
    ping_s: float = 2.0
    "A daemon that said nothing for so long is asked whether it lives."
    misses: int = 2
    "Requests or pings in a row without a reply that make a daemon dead."
    backoff_s: float = 30.0
    "Longest wait between two pings of a dead daemon; the wait starts at `ping_s` and doubles."
    lost_s: float = 15.0
    "A daemon dead for so long has lost its calls."
    full_s: float = 1.0
    "A daemon that said it is at its limit is offered no new calls for so long."
    fast_poll_s: float = 0.25
    "Between two queries of a call one of whose legs was not heard yet."
    fast_for_s: float = 10.0
    "How long after an answer the queries stay that frequent."
    poll_s: float = 5.0
    "Between two queries of a call otherwise."
    polls_per_s: float = 200.0
    "Most queries in a second, over all calls; more are put off, none is dropped."
    silence_s: float = 30.0
    "No RTP for so long, from a leg that was answered and should send, is a `MediaTimeout`."
    inject_digits: bool = False
    "Prepare calls for `SendDigits`. The daemon then waits for lost packets to come after all, and may fall silent after a block."
    ranges: Ranges = Ranges.REFUSE
