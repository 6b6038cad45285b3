"""What two legs tell each other: neutral call events, with nothing of SIP's machinery in them.

Each leg ends 100rel, session timers, digest and glare by itself; the controller between them only ever sees these.
"""

from typing import TypeAlias


class Progress:
    """The far end works on it: a 18x that is neither ringing nor media."""

    __slots__ = ("allows", "phrase", "status")

    def __init__(self, status: int, phrase: str, allows: str = "") -> None:
        self.status = status
        self.phrase = phrase
        self.allows = allows
        "Direction its audio may take before the answer (P-Early-Media); empty: it does not say."


class Ring:
    """A phone rings (180); perhaps with media."""

    __slots__ = ("allows", "sdp")

    def __init__(self, sdp: bytes = b"", allows: str = "") -> None:
        self.sdp = sdp
        self.allows = allows


class EarlyMedia:
    """Media before the answer (18x with SDP)."""

    __slots__ = ("allows", "phrase", "sdp", "status")

    def __init__(self, status: int, phrase: str, sdp: bytes, allows: str = "") -> None:
        self.status = status
        self.phrase = phrase
        self.sdp = sdp
        self.allows = allows


class Answer:
    """The call is answered. The SDP answers our offer, or is itself the offer where none was made."""

    __slots__ = ("sdp",)

    def __init__(self, sdp: bytes) -> None:
        self.sdp = sdp


class Confirm:
    """The answer was acknowledged; carries the SDP answer of a late offer."""

    __slots__ = ("sdp",)

    def __init__(self, sdp: bytes = b"") -> None:
        self.sdp = sdp


class Update:
    """Renegotiate: an offer, or (empty) a request to make one."""

    __slots__ = ("sdp",)

    def __init__(self, sdp: bytes) -> None:
        self.sdp = sdp


class Updated:
    """The renegotiation succeeded; the answer, or the offer that was asked for."""

    __slots__ = ("sdp",)

    def __init__(self, sdp: bytes) -> None:
        self.sdp = sdp


class UpdateRefused:
    """The renegotiation failed; what was before stands."""

    __slots__ = ("phrase", "status")

    def __init__(self, status: int, phrase: str) -> None:
        self.status = status
        self.phrase = phrase


class Info:
    """A message within the call that passes through: INFO (DTMF among them), MESSAGE."""

    __slots__ = ("body", "content_type", "method", "package")

    def __init__(self, method: str, content_type: str, body: bytes, package: str = "") -> None:
        self.method = method
        self.content_type = content_type
        self.body = body
        self.package = package


class Transfer:
    """This side asks that the other be connected to somebody else (REFER)."""

    __slots__ = ("referred_by", "replaces", "target")

    def __init__(self, target: str, replaces: str = "", referred_by: str = "") -> None:
        self.target = target
        "URI to call."
        self.replaces = replaces
        "Replaces value (RFC 3891), unescaped; names the dialog to take over."
        self.referred_by = referred_by


class Redirect:
    """The far end names other places to try (3xx)."""

    __slots__ = ("contacts", "status")

    def __init__(self, status: int, contacts: tuple[str, ...]) -> None:
        self.status = status
        self.contacts = contacts


class Release:
    """Hang up, or: this side hung up."""

    __slots__ = ("cause", "reason", "refusal", "text")

    def __init__(self, cause: int = 16, text: str = "", reason: str = "", refusal: str = "") -> None:
        self.cause = cause
        "Q.850 cause."
        self.text = text
        self.reason = reason
        "Reason header as received."
        self.refusal = refusal
        "Refusal code when Trunkline hangs up."


class Fail:
    """The call was not answered on this side."""

    __slots__ = ("credentials_sent", "extra", "phrase", "reason", "refusal", "retry_after_s", "silent", "status")

    def __init__(self, status: int, phrase: str, reason: str = "", retry_after_s: int = 0, refusal: str = "", silent: bool = False, credentials_sent: bool = False, extra: str = "") -> None:
        self.status = status
        self.phrase = phrase
        self.reason = reason
        "Reason header values as received."
        self.retry_after_s = retry_after_s
        self.refusal = refusal
        "Refusal code when it is Trunkline that gives up."
        self.silent = silent
        "Nothing arrived; the status is our own."
        self.credentials_sent = credentials_sent
        self.extra = extra
        "Header lines to send along."


CallEvent: TypeAlias = (
    Progress | Ring | EarlyMedia | Answer | Confirm | Update | Updated | UpdateRefused | Info | Transfer | Redirect | Release | Fail
)
