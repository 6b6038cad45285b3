"""The refusal catalogue: every way Trunkline says no, with one stable code each.

A refusal is a value. It names the layer and the leg that said no, what the dialer should understand by it (`Result`, which the trunk's
profile turns into a status, `facts/told.py`), and whether another route may still be tried. `docs/refusals.md` is generated from here.
"""

from enum import StrEnum

from msgspec import Struct


class Result(StrEnum):
    """What the dialer should understand; how it is told depends on the dialer (`facts/told.py`)."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    VACANT = "vacant"
    INVALID_NUMBER = "invalid_number"
    REJECTED = "rejected"
    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"
    NO_ROUTE = "no_route"
    LIMITED = "limited"
    OVERLOAD = "overload"
    FORBIDDEN = "forbidden"
    UNAUTHENTICATED = "unauthenticated"
    BAD_REQUEST = "bad_request"
    LOOP = "loop"
    TOO_MANY_HOPS = "too_many_hops"
    INCOMPATIBLE = "incompatible"
    EMERGENCY_REFUSED = "emergency_refused"
    CANCELLED = "cancelled"
    MACHINE = "machine"
    NOT_FOUND = "not_found"
    UNKNOWN_DIALOG = "unknown_dialog"


class Layer(StrEnum):
    """Which of the four layers said no."""

    METHOD = "method"
    TRANSACTION = "transaction"
    DIALOG = "dialog"
    CALL = "call"


class Side(StrEnum):
    """Which leg said no."""

    DIALER = "dialer"
    CARRIER = "carrier"
    TRUNKLINE = "trunkline"


class Refusal(Struct, frozen=True, gc=False):
    """One entry of the catalogue."""

    code: str
    "Stable name, `area.reason`; what operators search for."
    result: Result
    "What the dialer is to understand."
    text: str
    "One sentence for a person: what happened and what to do about it."
    layer: Layer = Layer.CALL
    side: Side = Side.TRUNKLINE
    route_on: bool = False
    "Another route may be tried."
    retry_after_s: int = 0
    "Sent as Retry-After where the profile's answer allows it; 0 sends none."


def _no(code: str, result: Result, text: str, **more: object) -> Refusal:
    refusal = Refusal(code, result, text, **more)  # type: ignore[arg-type]
    CATALOGUE[code] = refusal
    return refusal


CATALOGUE: dict[str, Refusal] = {}
"Every refusal by its code."

UNKNOWN_SOURCE = _no(
    "guard.unknown_source", Result.FORBIDDEN, "No trunk lists this source address; add it under `addresses`, or give the trunk a digest user.", side=Side.DIALER
)
BAD_CREDENTIALS = _no(
    "guard.bad_credentials", Result.FORBIDDEN, "The digest user or password is wrong; compare it with the trunk's `auth`.", side=Side.DIALER
)
MALFORMED_CREDENTIALS = _no(
    "guard.malformed_credentials", Result.BAD_REQUEST, "The Authorization header cannot be read, or was made for another URI than the request's.",
    side=Side.DIALER,
)  # fmt: skip
CREDENTIALS_NEEDED = _no(
    "guard.credentials_needed", Result.UNAUTHENTICATED, "This trunk authenticates by digest; the challenge was sent.", side=Side.DIALER
)
NOT_REGISTERED = _no(
    "guard.not_registered", Result.FORBIDDEN, "This trunk must register before it may call, and has no live binding from this source.", side=Side.DIALER
)
TRUNK_CHANNELS = _no("guard.trunk_channels", Result.LIMITED, "The trunk has all its channels in use; raise `channels` or call slower.", retry_after_s=2)
TRUNK_CPS = _no("guard.trunk_cps", Result.LIMITED, "The trunk starts calls faster than its `cps`; raise it or pace the dialer.", retry_after_s=1)
TENANT_CHANNELS = _no("guard.tenant_channels", Result.LIMITED, "The tenant has all its channels in use.", retry_after_s=2)
TENANT_CPS = _no("guard.tenant_cps", Result.LIMITED, "The tenant starts calls faster than its `cps`.", retry_after_s=1)
OVERLOAD = _no("node.overload", Result.OVERLOAD, "The node sheds new calls until its queue is short again.", retry_after_s=2)
DRAINING = _no("node.draining", Result.OVERLOAD, "The node is draining for maintenance and takes no new calls.", retry_after_s=30)
DISK_FULL = _no("node.disk_full", Result.OVERLOAD, "The journal cannot be written, so no new call is admitted; free disk space.", retry_after_s=10)
EMERGENCY_REFUSED = _no(
    "guard.emergency_refused", Result.EMERGENCY_REFUSED, "This trunk is a dialer and may not place emergency calls; use a trunk of kind `pbx`."
)
EMERGENCY_NO_ROUTE = _no("routing.emergency_no_route", Result.UNREACHABLE, "No emergency route took the call; alarm the person on duty.")
CALLING_WINDOW = _no(
    "compliance.window", Result.LIMITED, "It is outside the calling hours where the callee is; Retry-After says when they begin.", retry_after_s=3600
)
DO_NOT_CALL = _no(
    "compliance.do_not_call", Result.FORBIDDEN, "The callee is on a do-not-call list or has opted out; `trunkline explain ID` says which."
)
CALL_ATTEMPTS = _no(
    "compliance.attempts", Result.LIMITED, "The callee was called as often, or as lately, as the law allows; Retry-After says when the next call may come.", retry_after_s=3600
)
TOO_SOON = _no(
    "retries.too_soon", Result.LIMITED, "A rule of `retries` leaves the callee alone for longer; Retry-After says when the next call may come.", retry_after_s=3600
)
INVALID_NUMBER = _no("numbering.invalid_number", Result.INVALID_NUMBER, "The called number does not fit the trunk's number plan.", side=Side.DIALER)
DIP_SILENT = _no(
    "numbering.dip_silent", Result.UNREACHABLE, "The database of ported numbers said nothing in time, and its `silence` is `refuse`; see `dips` of the policy."
)
NO_DESTINATION = _no("routing.no_destination", Result.NO_ROUTE, "No destination in the policy covers this number; add a prefix.")
NO_ROUTE = _no("routing.no_route", Result.UNREACHABLE, "Every gateway for this destination is down, drained, full or unable to carry the call.")
ROUTES_EXHAUSTED = _no("routing.exhausted", Result.UNREACHABLE, "Every route was tried and none took the call.", side=Side.CARRIER)
UNKNOWN_DID = _no("routing.unknown_did", Result.NOT_FOUND, "No inbound DID in the policy covers this number.")
DID_UNREACHABLE = _no("routing.did_unreachable", Result.UNREACHABLE, "No trunk behind this DID took the call.")
GATEWAY_CHANNELS = _no("guard.gateway_channels", Result.LIMITED, "The gateway has all its channels in use.", route_on=True)
GATEWAY_CPS = _no("guard.gateway_cps", Result.LIMITED, "The gateway takes no more calls this second.", route_on=True)
CARRIER_CHANNELS = _no("guard.carrier_channels", Result.LIMITED, "The carrier has all its channels in use.", route_on=True)
CARRIER_CPS = _no("guard.carrier_cps", Result.LIMITED, "The carrier takes no more calls this second.", route_on=True)
GATEWAY_DRAINED = _no("health.drained", Result.UNREACHABLE, "The gateway is drained for maintenance.", route_on=True)
GATEWAY_DOWN = _no("health.down", Result.UNREACHABLE, "The gateway does not answer OPTIONS or its transport fails.", route_on=True)
GATEWAY_CIRCUIT = _no("health.circuit", Result.UNREACHABLE, "The gateway fails too often and is skipped until canary calls succeed.", route_on=True)
GATEWAY_PAUSED = _no("health.paused", Result.UNREACHABLE, "The gateway asked for a pause by Retry-After.", route_on=True)
GATEWAY_UNRESOLVED = _no("health.unresolved", Result.UNREACHABLE, "The gateway's host name has no address yet; check DNS.", route_on=True)
EARLY_MEDIA_LOST = _no(
    "routing.early_media", Result.UNREACHABLE, "The dialer hears early media of an earlier gateway, and of this one it may not (`early_media`).", route_on=True
)
NO_SHARED_CODEC = _no("media.no_shared_codec", Result.INCOMPATIBLE, "The offer and the gateway's `codecs` share nothing.", route_on=True)
MEDIA_FAILED = _no("media.failed", Result.UNREACHABLE, "The media engine could not take the call.", route_on=True)
MEDIA_TIMEOUT = _no(
    "media.timeout", Result.UNREACHABLE, "Both sides of the call fell silent for longer than `[media] timeout`; it was hung up.", layer=Layer.CALL
)
MEDIA_LOST = _no(
    "media.lost", Result.UNREACHABLE, "The process or machine that carried the call's audio is gone; the call was hung up.", layer=Layer.CALL
)
MACHINE = _no(
    "listen.machine", Result.MACHINE, "A machine answered, and the trunk's `listen: {mode: gate}` keeps those from agents.", layer=Layer.CALL
)
NO_PICK_UP = _no(
    "listen.no_pick_up", Result.NO_ANSWER, "An assistant that screens calls answered, and nobody picked up within `listen: {pick_up}`.", layer=Layer.CALL
)
SETUP_TIMEOUT = _no("call.setup_timeout", Result.UNREACHABLE, "The call was not set up within the trunk's `setup` timer.", layer=Layer.CALL)
NO_ANSWER = _no("call.no_answer", Result.NO_ANSWER, "The callee rang longer than the gateway's `no_answer` timer.", layer=Layer.CALL)
LOOP = _no("sip.loop", Result.LOOP, "This call has been here before; two systems route it to each other.", layer=Layer.TRANSACTION)
TOO_MANY_HOPS = _no("sip.too_many_hops", Result.TOO_MANY_HOPS, "Max-Forwards reached zero; look for a routing loop.", layer=Layer.TRANSACTION)
BAD_REQUEST = _no("sip.bad_request", Result.BAD_REQUEST, "The request does not follow RFC 3261.", layer=Layer.METHOD, side=Side.DIALER)
UNKNOWN_DIALOG = _no("sip.unknown_dialog", Result.UNKNOWN_DIALOG, "The request names a dialog this node does not hold.", layer=Layer.DIALOG, side=Side.DIALER)
TRANSFER_REFUSED = _no("transfer.refused", Result.FORBIDDEN, "Policy does not let this leg transfer calls; set `transfer: true` on the trunk.", layer=Layer.DIALOG)
SESSION_EXPIRED = _no("sip.session_expired", Result.UNREACHABLE, "The far end stopped refreshing the session (RFC 4028).", layer=Layer.DIALOG)
SESSION_INTERVAL = _no("sip.session_interval", Result.BAD_REQUEST, "The session interval asked for is below the node's minimum.", layer=Layer.DIALOG, side=Side.DIALER)
NO_PRACK = _no("sip.no_prack", Result.UNREACHABLE, "A reliable provisional response was never acknowledged (RFC 3262).", layer=Layer.DIALOG, side=Side.DIALER)
RESTARTED = _no("node.restarted", Result.UNREACHABLE, "The node was restarted while the call was up: both ends were hung up, or a caller who still waited was told so.")
STOPPED = _no("node.stopped", Result.UNREACHABLE, "The node was stopped while the call was up; both ends were hung up.")
CANCELLED = _no("call.cancelled", Result.CANCELLED, "The dialer hung up before the call was answered.", side=Side.DIALER)
NONE_LEFT = _no("numbers.none_left", Result.LIMITED, "No number of the pool has room: all are capped, resting or without proof. The record counts why; add numbers or call less.")
NO_POOL = _no("numbers.no_pool", Result.FORBIDDEN, "The pool holds no number this tenant may call with; import some, or name another pool.")
NOT_PRESENTABLE = _no("numbers.not_presentable", Result.FORBIDDEN, "No number of the pool may be shown in that country over the carriers at hand; see `presentation`.")
TOO_FAR = _no("numbers.too_far", Result.LIMITED, "No number near the callee has room, and the pool is `local_only`.")
INVALID_CALLER = _no("numbers.invalid_caller", Result.FORBIDDEN, "The caller ID the dialer sent cannot be a telephone number.", side=Side.DIALER)
UNALLOCATED_CALLER = _no("numbers.unallocated_caller", Result.FORBIDDEN, "The caller ID the dialer sent lies in a range nobody was given.", side=Side.DIALER)
DO_NOT_ORIGINATE = _no("numbers.do_not_originate", Result.FORBIDDEN, "The caller ID the dialer sent is on the do-not-originate list: its owner never calls with it.", side=Side.DIALER)
NOT_OWNED = _no("numbers.not_owned", Result.FORBIDDEN, "The caller ID the dialer sent is not a number of this tenant; import it, or let the trunk replace it.", side=Side.DIALER)
UNPROVEN = _no("numbers.unproven", Result.FORBIDDEN, "The right to the caller ID the dialer sent is not proven, or the proof has lapsed.", side=Side.DIALER)
RESTING = _no("numbers.resting", Result.LIMITED, "The caller ID the dialer sent is resting, retired or not in use yet.", side=Side.DIALER)
CAPPED = _no("numbers.capped", Result.LIMITED, "The caller ID the dialer sent has made as many calls as it may for now.", side=Side.DIALER)
