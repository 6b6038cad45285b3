"""What happened, as frozen structs: the rows of the journal.

One `Attempt` for every INVITE sent to a carrier, one `Call` for every INVITE accepted from a dialer, and the few facts a restart needs
(`DialogOpened`, `DialogClosed`, `AttemptStarted`). Times are UTC integer microseconds; spans are milliseconds measured on the monotonic
clock, None where the thing did not happen.
"""

from typing import Any, TypeAlias

from msgspec import Struct

from trunkline.facts.numbers import NumberFact


class Asked(Struct, frozen=True, gc=False, array_like=True):
    """An INVITE whose caller waits for a final answer; all a restart needs to give it one."""

    door: str
    "Name of the local door it came in by."
    transport: str
    source: str
    "Address it came from, `ip:port`."
    tag: str
    "Ours, in the To of what its caller was told."
    invite: str
    "Its Request-URI, then the Via, To, From, Call-ID and CSeq lines: what a response repeats (RFC 3261 section 8.2.6.2)."


class AttemptStarted(Struct, frozen=True, gc=False, tag_field="fact", tag="attempt_started"):
    """An INVITE left for a carrier; lets a restart CANCEL what it cannot carry on."""

    call: str
    position: int
    at: int
    carrier: str
    gateway: str
    door: str
    "Name of the local door it left by."
    transport: str
    remote: str
    "Address it was sent to, `ip:port`."
    invite: str
    """Request-URI, then the Via, Route, From, To, Call-ID and CSeq lines of the INVITE: what a CANCEL repeats (RFC 3261
    section 9.1)."""
    trunk: str = ""
    called: str = ""
    "As rendered for this carrier."
    caller: str = ""
    destination: str = ""
    tenant: str = ""
    session_id: str = ""
    e164: str = ""
    "Called number in E.164 with +; empty for an emergency number."
    asked: Asked | None = None
    "With a call's first attempt: the INVITE of its caller, which nothing has answered yet."


class DialogOpened(Struct, frozen=True, gc=False, tag_field="fact", tag="dialog_opened"):
    """A dialog was confirmed; all a restart needs to send BYE in it."""

    call: str
    leg: int
    "0 is the dialer's leg, 1 and up are carrier legs."
    at: int
    door: str
    transport: str
    remote: str
    "Next hop, `ip:port`."
    call_id: str
    local: str
    "Our name-addr with tag: the From of requests we send."
    peer: str
    "Their name-addr with tag: the To of requests we send."
    target: str
    "Remote target URI (Request-URI of the BYE)."
    route: tuple[str, ...]
    "Route set, first hop first."
    cseq: int
    "Reserved: higher than any CSeq the dialog will have used."


class DialogClosed(Struct, frozen=True, gc=False, tag_field="fact", tag="dialog_closed"):
    """The dialog ended; a restart leaves it alone."""

    call: str
    leg: int
    at: int


class Attempt(Struct, frozen=True, gc=False, tag_field="fact", tag="attempt"):
    """One INVITE sent to a carrier, from first byte to last."""

    call: str
    position: int
    "1 is the first choice; later positions are a selected sample."
    at: int
    "UTC microseconds when the INVITE was sent."
    tenant: str
    trunk: str
    destination: str
    carrier: str
    gateway: str
    transport: str
    remote: str
    called: str
    "Called number as rendered for this carrier (user part of the Request-URI)."
    caller: str
    "Caller number as rendered for this carrier."
    carrier_call_id: str
    "Call-ID of the carrier leg; what the carrier's support asks for."
    status: int
    "Final SIP status; 0 when none arrived."
    phrase: str
    reason: str
    "Reason header values as received, joined by commas (RFC 3326)."
    cause: int
    "Q.850 cause from a Reason header; 0 when none."
    outcome: str
    "Class by the outcome table: answered, route, callee, ours, caller."
    evidence: str
    "The row of the outcome table that decided."
    next: str
    "What was done with it: answered, next, stop."
    refusal: str
    "Code from the refusal catalogue when Trunkline itself ended the attempt; empty otherwise."
    released_by: str
    "dialer, carrier or trunkline: who ended it."
    first_reply_ms: float | None
    "To the first response of any kind, 100 included."
    progress_ms: float | None
    "To the first 18x."
    alerting_ms: float | None
    "To the first 180 or ringback in the audio: post-dial delay. None when the answer came without either; that is no delay of 0."
    early_media_ms: float | None
    "To the first 18x with SDP."
    answer_ms: float | None
    "To the 200."
    talk_ms: float | None
    "From the 200 to the end, carrier side."
    total_ms: float
    "To the end."
    early_media: str
    "none, 180, 183, 183+sdp, 180+sdp: how the far end showed progress first."
    codec: str
    "First codec of the answer, as in rtpmap; empty when unanswered."
    server: str
    "User-Agent or Server of the carrier's answer."
    retransmissions: int
    "INVITEs repeated for want of an answer."
    censored: bool
    "The dialer gave up before alerting: no evidence about the route."
    ambiguous: bool
    "A timer moved the call on before this attempt; the earlier phone may still have been ringing."
    retry_after_s: int
    "Retry-After of a 503; 0 when none."
    session_id: str
    "RFC 7989 identifier that both legs carry."
    band: str = ""
    "Time band the call was decided in; empty outside every band."
    heard: str = ""
    "What listening took the answer for: human, machine, unknown, false (nobody there); empty when nobody listened."
    labelled: str = ""
    "What an agent or the dialer said it was: human or other; empty when nobody did."
    cost: float | None = None
    "What the carrier bills, from `talk_ms`; None when not priced, 0 when unanswered."
    alerted_by: str = ""
    "What `alerting_ms` was told by: `180`, or `ringback` heard in the audio; empty when nothing did."
    early_heard: str = ""
    """What listening heard before the answer, the most telling of it: ringback, custom_ringback, busy, congestion, unobtainable, `sit CODE`,
    announcement, voicemail, other kinds by their names, silence, no_audio; empty when nothing was heard or nobody listened."""
    listened: float = 0.0
    "Probability with which this attempt was drawn to be listened to; 0 when it was not."
    local: str = ""
    "Our address it left by, host:port as bound: which of several ways out it took."


class Call(Struct, frozen=True, gc=False, tag_field="fact", tag="call"):
    """One INVITE accepted from a dialer (or, inbound, from a carrier), from first byte to last."""

    call: str
    at: int
    "UTC microseconds when the INVITE arrived."
    node: str
    policy: str
    "Version of the policy the call was decided by."
    direction: str
    "outbound (from a dialer) or inbound (from a carrier)."
    tenant: str
    trunk: str
    source: str
    "Address the INVITE came from, `ip:port`."
    transport: str
    dialer_call_id: str
    user_agent: str
    called_raw: str
    "Called number as dialled."
    called: str
    "Called number in E.164 with +; empty when it could not be normalised."
    caller_raw: str
    caller: str
    destination: str
    strategy: str
    metadata: dict[str, str]
    "What the dialer sent along: campaign, purpose, lead, agent, callee zone, account."
    state: str
    "Business state it ended in: disconnected, failed, timeout, transferred."
    status: int
    "Final SIP status sent to the dialer; 200 when answered."
    cause: int
    "Q.850 cause sent to the dialer; 0 when none."
    result: str
    "What the dialer was to understand (`refusal.Result`), or answered."
    refusal: str
    "Code from the refusal catalogue; empty when the call was answered or the callee declined."
    released_by: str
    attempts: int
    carrier: str
    "Of the attempt that answered, else of the last one."
    gateway: str
    alerting_ms: float | None
    "To the first 180 or ringback: the call's post-dial delay."
    early_media_ms: float | None
    answer_ms: float | None
    talk_ms: float | None
    total_ms: float
    holds: int
    "How often either side held the call."
    transfers: int
    emergency: bool
    session_id: str
    abandoned: bool = False
    "The callee had answered, was no machine as far as was heard, and the caller hung up before it was connected."
    message: str = ""
    """What became of a message for a machine: left after a `beep`, the end of its `greeting` or a `wait` for either, `cut` when it hung up first,
    `not left`; empty when none was to be left."""
    dead_air_ms: float | None = None
    "From the end of the callee's greeting to the caller's first voice, measured on the audio; None where either was not heard."
    why: str = ""
    "Why it was refused, where the refusal's own text does not say it all: which list, which hours."


class LadderRow(Struct, frozen=True, gc=False, array_like=True):
    """One message on the wire, as seen by the transaction that carried it."""

    ms: float
    "Milliseconds since the call began."
    leg: int
    "0 the dialer's leg, 1 and up the carrier legs."
    sent: bool
    "True: Trunkline sent it."
    text: str
    "Start line without the version: `INVITE sip:+1415...`, `180 Ringing`."
    cseq: str
    "CSeq value, which tells what a response answers."
    note: str
    "Reason header, `retransmission`, or empty."


class Ladder(Struct, frozen=True, gc=False, tag_field="fact", tag="ladder"):
    """Every message of a call on both sides: the per-message log."""

    call: str
    at: int
    legs: tuple[str, ...]
    "Name of each leg by number: the trunk, then a gateway per attempt."
    rows: list[LadderRow]


class Decision(Struct, frozen=True, gc=False, tag_field="fact", tag="decision"):
    """How the call's routes were chosen."""

    call: str
    at: int
    policy: str
    destination: str
    strategy: str
    candidates: tuple[str, ...]
    "Gateways in the order they were to be tried."
    excluded: dict[str, str]
    "Gateway -> refusal code."
    draw: float
    "The random number a percentage strategy used; 0 when none."
    propensity: tuple[float, ...]
    "Probability that each candidate came first; one per candidate."
    scores: tuple[float, ...] = ()
    "Expected worth of each candidate in money as believed then; empty for strategies that do not learn."
    band: str = ""
    holdout: bool = False
    "The first candidate was picked at random, whatever its score."
    numberless: dict[str, int] = {}
    "Why numbers of the pool could not be called with -> how many, where none was left and the call refused."
    attest: str = ""
    "Level the call is signed at: A, B, C; empty when it is not."
    verstat: str = ""
    "What the signature it came with proved: TN-Validation-Passed, TN-Validation-Failed, No-TN-Validation; empty when nobody judged."


class GatewayState(Struct, frozen=True, gc=False, tag_field="fact", tag="gateway_state"):
    """A gateway changed: up, down, path up, path down, drained, undrained, circuit open, half-open or closed, registration lost or won."""

    gateway: str
    at: int
    state: str
    reason: str


class Hearing(Struct, frozen=True, gc=False, tag_field="fact", tag="hearing"):
    """Something was heard on a leg."""

    call: str
    leg: int
    at: int
    party: str
    "Gateway behind the leg."
    kind: str
    "ringback, busy, congestion, sit, fax, beep, silence, no_audio, human, machine, assistant, announcement, unknown, ..."
    code: str
    "Which of its kind: the SIT code, why a verdict was given."
    phase: str
    "early or answered."
    confidence: float
    began_ms: float
    "From the moment listening to the leg began."
    ended_ms: float | None
    "None: it went on when this was written."
    said_ms: float
    "When we knew."
    mode: str
    "The trunk's: shadow, observe or gate."
    features: dict[str, float] = {}


class AnswerLabelled(Struct, frozen=True, gc=False, tag_field="fact", tag="answer_labelled"):
    """A person said what answered a call; the last word counts."""

    call: str
    at: int
    kind: str
    "human, machine, assistant, announcement, fax or false."
    author: str
    note: str = ""


class Recording(Struct, frozen=True, gc=False, tag_field="fact", tag="recording"):
    """A recording of a call has ended."""

    call: str
    at: int
    file: str
    seconds: float
    bytes: int
    why: str
    "Empty: the call was over. Else what ended it before."
    purpose: str = ""
    "Empty: the call is recorded. `evidence` of a false answer, or `sample` to be labelled: the first seconds of the callee alone."


class LegAudio(Struct, frozen=True, gc=False, tag_field="fact", tag="leg_audio"):
    """What was heard from one leg of a call whose audio Trunkline carried; written when the leg is over."""

    call: str
    leg: int
    at: int
    party: str
    "Trunk or gateway behind the leg."
    codec: str
    received: int
    "RTP packets from it."
    sent: int
    "RTP packets to it."
    lost: int
    "Packets that never arrived (RFC 3550 A.3); -1 where not known."
    jitter_ms: float
    mos: float | None
    "ITU-T G.107 estimate; None where there is no standard one."
    refused: int
    "Packets dropped: wrong source, failed authentication, not RTP."
    first_ms: float | None
    "From the leg's first SDP to its first packet; None when none came."


class Alarm(Struct, frozen=True, gc=False, tag_field="fact", tag="alarm"):
    """Something a person must hear of."""

    at: int
    code: str
    subject: str
    text: str


class Binding(Struct, frozen=True, gc=False, tag_field="fact", tag="binding"):
    """A registration was made, refreshed or removed (expires 0)."""

    at: int
    trunk: str
    user: str
    contact: str
    door: str
    remote: str
    "Where requests for it go, `ip:port`; behind NAT not what Contact says."
    transport: str
    expires: int
    "UTC microseconds when it lapses; 0 when removed."
    call_id: str
    cseq: int
    user_agent: str


class PolicyApplied(Struct, frozen=True, gc=False, tag_field="fact", tag="policy_applied"):
    """A policy came into force."""

    at: int
    version: str
    author: str
    reason: str
    before: str = ""
    "The version it replaced; empty at a node's first start."
    rollback: bool = False
    "It had been in force before, and was brought back on purpose."


class NodeStarted(Struct, frozen=True, gc=False, tag_field="fact", tag="node_started"):
    at: int
    node: str
    version: str


class NodeStopped(Struct, frozen=True, gc=False, tag_field="fact", tag="node_stopped"):
    at: int
    node: str
    calls: int
    "Calls that were still up."


class Parked(Struct, frozen=True, gc=False, tag_field="fact", tag="parked"):
    """A call has to wait before it can be decided on, or offered to its first gateway; lets a restart answer its caller and write its record."""

    call: str
    at: int
    "UTC microseconds when its INVITE arrived."
    direction: str
    tenant: str
    trunk: str
    source: str
    transport: str
    dialer_call_id: str
    called_raw: str
    called: str
    "In E.164 with +; empty when it was not understood yet."
    caller_raw: str
    session_id: str
    asked: Asked | None = None


Fact: TypeAlias = (
    AttemptStarted
    | DialogOpened
    | DialogClosed
    | Attempt
    | Call
    | Ladder
    | Hearing
    | NumberFact
    | AnswerLabelled
    | Recording
    | LegAudio
    | Decision
    | GatewayState
    | Alarm
    | Binding
    | PolicyApplied
    | NodeStarted
    | NodeStopped
    | Parked
)
"Any row of the journal; `msgspec` tells them apart by the `fact` field."


def as_dict(fact: Struct) -> dict[str, Any]:
    """The fact as plain values, for `--json` and tables."""
    import msgspec

    built: dict[str, Any] = msgspec.to_builtins(fact)
    return built
