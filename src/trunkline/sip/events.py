"""What the endpoint tells its user: a request arrived, an answer arrived, or none will."""

from typing import TYPE_CHECKING, Any, TypeAlias

from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response

if TYPE_CHECKING:
    from trunkline.sip.transactions import Client, ClientInvite, Server, ServerInvite


class Received:
    """A new request, with the transaction to answer it by."""

    __slots__ = ("request", "transaction")

    def __init__(self, transaction: "Server | ServerInvite", request: Request) -> None:
        self.transaction = transaction
        self.request = request


class Acknowledged:
    """An ACK for a 200; it has no transaction of its own."""

    __slots__ = ("flow", "request")

    def __init__(self, request: Request, flow: Flow) -> None:
        self.request = request
        self.flow = flow


class Cancelled:
    """The caller cancelled an INVITE that has no final answer yet; the CANCEL itself was answered."""

    __slots__ = ("reason", "transaction", "user")

    def __init__(self, transaction: "ServerInvite", user: Any, reason: str) -> None:
        self.transaction = transaction
        self.user = user
        self.reason = reason


class Replied:
    """A response to a request we sent; every 200 of an INVITE comes, each other final response once."""

    __slots__ = ("response", "transaction", "user")

    def __init__(self, transaction: "Client | ClientInvite", user: Any, response: Response) -> None:
        self.transaction = transaction
        self.user = user
        self.response = response


class Stray:
    """A 200 to an INVITE that no transaction knows: one from before a restart."""

    __slots__ = ("flow", "response")

    def __init__(self, response: Response, flow: Flow) -> None:
        self.response = response
        self.flow = flow


class TimedOut:
    """Nobody answered a request we sent (timer B or F)."""

    __slots__ = ("transaction", "user")

    def __init__(self, transaction: "Client | ClientInvite", user: Any) -> None:
        self.transaction = transaction
        self.user = user


class Unreachable:
    """The transport could not carry a request we sent."""

    __slots__ = ("transaction", "user")

    def __init__(self, transaction: "Client | ClientInvite", user: Any) -> None:
        self.transaction = transaction
        self.user = user


class Unacknowledged:
    """Our 200 was never acknowledged (RFC 3261 section 13.3.1.4): the session should be ended."""

    __slots__ = ("transaction", "user")

    def __init__(self, transaction: "ServerInvite", user: Any) -> None:
        self.transaction = transaction
        self.user = user


Event: TypeAlias = Received | Acknowledged | Cancelled | Replied | Stray | TimedOut | Unreachable | Unacknowledged
