"""What two legs tell each other: neutral call events, with nothing of SIP's machinery in them.

Each leg ends 100rel, session timers, digest and glare by itself; the controller between them only ever sees these.
"""

from typing import TypeAlias

from msgspec import Struct


class Progress(Struct, frozen=True, gc=False):
    """The far end works on it: a 18x that is neither ringing nor media."""

    status: int
    phrase: str
    allows: str = ""
    "Direction its audio may take before the answer (P-Early-Media); empty: it does not say."


class Ring(Struct, frozen=True, gc=False):
    """A phone rings (180); perhaps with media."""

    sdp: bytes = b""
    allows: str = ""


class EarlyMedia(Struct, frozen=True, gc=False):
    """Media before the answer (18x with SDP)."""

    status: int
    phrase: str
    sdp: bytes
    allows: str = ""


class Answer(Struct, frozen=True, gc=False):
    """The call is answered. The SDP answers our offer, or is itself the offer where none was made."""

    sdp: bytes


class Confirm(Struct, frozen=True, gc=False):
    """The answer was acknowledged; carries the SDP answer of a late offer."""

    sdp: bytes = b""


class Update(Struct, frozen=True, gc=False):
    """Renegotiate: an offer, or (empty) a request to make one."""

    sdp: bytes


class Updated(Struct, frozen=True, gc=False):
    """The renegotiation succeeded; the answer, or the offer that was asked for."""

    sdp: bytes


class UpdateRefused(Struct, frozen=True, gc=False):
    """The renegotiation failed; what was before stands."""

    status: int
    phrase: str


class Info(Struct, frozen=True, gc=False):
    """A message within the call that passes through: INFO (DTMF among them), MESSAGE."""

    method: str
    content_type: str
    body: bytes
    package: str = ""


class Transfer(Struct, frozen=True, gc=False):
    """This side asks that the other be connected to somebody else (REFER)."""

    target: str
    "URI to call."
    replaces: str = ""
    "Replaces value (RFC 3891), unescaped; names the dialog to take over."
    referred_by: str = ""


class Redirect(Struct, frozen=True, gc=False):
    """The far end names other places to try (3xx)."""

    status: int
    contacts: tuple[str, ...]


class Release(Struct, frozen=True, gc=False):
    """Hang up, or: this side hung up."""

    cause: int = 16
    "Q.850 cause."
    text: str = ""
    reason: str = ""
    "Reason header as received."
    refusal: str = ""
    "Refusal code when Trunkline hangs up."


class Fail(Struct, frozen=True, gc=False):
    """The call was not answered on this side."""

    status: int
    phrase: str
    reason: str = ""
    "Reason header values as received."
    retry_after_s: int = 0
    refusal: str = ""
    "Refusal code when it is Trunkline that gives up."
    silent: bool = False
    "Nothing arrived; the status is our own."
    credentials_sent: bool = False
    extra: str = ""
    "Header lines to send along."


CallEvent: TypeAlias = (
    Progress | Ring | EarlyMedia | Answer | Confirm | Update | Updated | UpdateRefused | Info | Transfer | Redirect | Release | Fail
)
