"""What the endpoint tells its user: a request arrived, an answer arrived, or none will."""

from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response

if TYPE_CHECKING:
    from trunkline.sip.transactions import Client, ClientInvite, Server, ServerInvite


class Received(Struct, frozen=True, gc=False):
    """A new request, with the transaction to answer it by."""

    transaction: "Server | ServerInvite"
    request: Request


class Acknowledged(Struct, frozen=True, gc=False):
    """An ACK for a 200; it has no transaction of its own."""

    request: Request
    flow: Flow


class Cancelled(Struct, frozen=True, gc=False):
    """The caller cancelled an INVITE that has no final answer yet; the CANCEL itself was answered."""

    transaction: "ServerInvite"
    user: Any
    reason: str


class Replied(Struct, frozen=True, gc=False):
    """A response to a request we sent; every 200 of an INVITE comes, each other final response once."""

    transaction: "Client | ClientInvite"
    user: Any
    response: Response


class Stray(Struct, frozen=True, gc=False):
    """A 200 to an INVITE that no transaction knows: one from before a restart."""

    response: Response
    flow: Flow


class TimedOut(Struct, frozen=True, gc=False):
    """Nobody answered a request we sent (timer B or F)."""

    transaction: "Client | ClientInvite"
    user: Any


class Unreachable(Struct, frozen=True, gc=False):
    """The transport could not carry a request we sent."""

    transaction: "Client | ClientInvite"
    user: Any


class Unacknowledged(Struct, frozen=True, gc=False):
    """Our 200 was never acknowledged (RFC 3261 section 13.3.1.4): the session should be ended."""

    transaction: "ServerInvite"
    user: Any


Event: TypeAlias = Received | Acknowledged | Cancelled | Replied | Stray | TimedOut | Unreachable | Unacknowledged
