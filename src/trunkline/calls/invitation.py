"""What an INVITE of ours says."""

from msgspec import Struct

from trunkline.policy.snapshot import Credentials
from trunkline.sip.flow import Flow


class Invitation(Struct, frozen=True, gc=False):
    """Everything an INVITE of ours says."""

    uri: str
    sender: str
    "From value without tag."
    recipient: str
    "To value."
    extra: str
    "Header lines beside the ones every INVITE has."
    sdp: bytes
    max_forwards: int
    flow: Flow
    large: Flow | None
    credentials: Credentials | None = None
    rel100: str = "supported"
    session_expires_s: int = 0
    kind: str = ""
    "Content-Type of `body`; empty where the SDP goes by itself."
    body: bytes = b""
    "What the INVITE carries with the SDP in it."
