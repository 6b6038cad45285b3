"""Dialogs (RFC 3261 section 12): who the two ends are, how to reach the other one, and what was said last."""

from typing import Any

from trunkline.sip.endpoint import ClientTransaction, Endpoint
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.headers.name_addr import NameAddr, parse_name_addr, parse_name_addrs
from trunkline.sip.message import Message, Request, Response
from trunkline.sip.transactions import Trace


class Dialog:
    """One side's view of a dialog, early or confirmed."""

    __slots__ = ("call_id", "flow", "local", "local_cseq", "local_tag", "remote", "remote_cseq", "remote_tag", "route", "target")

    def __init__(self, call_id: str, local: str, local_tag: str, remote: str, remote_tag: str, target: str, flow: Flow) -> None:
        self.call_id = call_id
        self.local = local
        "Our name-addr with tag: From of what we send."
        self.local_tag = local_tag
        self.remote = remote
        "Their name-addr with tag: To of what we send."
        self.remote_tag = remote_tag
        self.target = target
        "Remote target: the URI of their Contact."
        self.flow = flow
        "Next hop."
        self.route: tuple[str, ...] = ()
        "Route set, next hop first, each in angle brackets."
        self.local_cseq = 0
        self.remote_cseq = 0

    @classmethod
    def serving(cls, request: Request, tag: str, flow: Flow) -> "Dialog | Fault":
        """The dialog an incoming INVITE makes when we answer it (section 12.1.1).

        An RFC 2543 caller may leave out Contact; it is then called back where its From says.
        """
        contact = contact_of(request) if "Contact" in request.fields else _uri_of_sender(request)
        if isinstance(contact, Fault):
            return contact
        dialog = cls(request.call_id, f"{request.fields['To'][0]};tag={tag}", tag, request.fields["From"][0], request.from_tag, contact, flow)
        dialog.remote_cseq = request.cseq
        routes = request.fields.get("Record-Route")
        if routes is not None:
            dialog.route = tuple(_split(routes))
        dialog.flow = dialog.next_hop(flow)
        return dialog

    def establish(self, response: Response, flow: Flow) -> Fault | None:
        """Fill in what the response to our INVITE says about the other end (section 12.1.2)."""
        contact = contact_of(response)
        if isinstance(contact, Fault):
            return contact
        self.target = contact
        self.remote = response.fields["To"][0]
        self.remote_tag = response.to_tag
        routes = response.fields.get("Record-Route")
        self.route = tuple(reversed(_split(routes))) if routes is not None else ()
        self.flow = self.next_hop(flow)
        return None

    def next_hop(self, fallback: Flow) -> Flow:
        """Where requests go: the first route or the target when it is a numeric address, else where we heard them from.

        A host name would have to be resolved, and the call path waits for nothing; the address that sent us the message works for it.
        An address that only its own side of a NAT can reach is answered the same way.
        """
        uri = self.route[0] if self.route else self.target
        host, port = host_port(uri)
        if not host or not (host[0].isdecimal() or ":" in host) or "transport=ws" in uri.lower():
            return fallback
        address = (host, port or (5061 if fallback.door.transport == "tls" else 5060))
        if address == fallback.address:
            return fallback
        if fallback.door.reliable and host == fallback.address[0]:
            return fallback
        if not self.route and host != fallback.address[0] and is_private(host) and not is_private(fallback.address[0]):
            return fallback
        return Flow(fallback.door, address)

    def refresh_target(self, message: Message) -> None:
        """A target refresh (re-INVITE, UPDATE, or their 200): Contact may have moved."""
        if "Contact" in message.fields:
            contact = contact_of(message)
            if not isinstance(contact, Fault) and contact != self.target:
                self.target = contact
                self.flow = self.next_hop(self.flow)

    def accept(self, request: Request) -> Fault | None:
        """CSeq must grow (section 12.2.2)."""
        if request.cseq < self.remote_cseq or (request.cseq == self.remote_cseq and request.method != "ACK"):
            return Fault("CSeq Out Of Order", "CSeq", 500)
        self.remote_cseq = request.cseq
        return None

    def is_with(self, request: Request) -> bool:
        return request.call_id == self.call_id and request.from_tag == self.remote_tag

    def routing(self) -> tuple[str, str]:
        """Request-URI and Route lines (section 12.2.1.1), strict routers included."""
        if not self.route:
            return self.target, ""
        if ";lr" in self.route[0]:
            return self.target, "".join([f"Route: {route}\r\n" for route in self.route])
        first = self.route[0].strip("<> ").partition(">")[0]
        rest = "".join([f"Route: {route}\r\n" for route in self.route[1:]])
        return first, f"{rest}Route: <{self.target}>\r\n"

    def request(
        self,
        endpoint: Endpoint,
        method: str,
        now: float,
        *,
        user: Any = None,
        trace: Trace | None = None,
        extra: str = "",
        body: bytes = b"",
    ) -> ClientTransaction:
        """Send a request in the dialog."""
        self.local_cseq += 1
        uri, route = self.routing()
        return endpoint.request(
            method, uri, self.flow, sender=self.local, recipient=self.remote, call_id=self.call_id, cseq=self.local_cseq, now=now,
            user=user, trace=trace, route=route, extra=extra, body=body,
        )  # fmt: skip

    def ack(self, endpoint: Endpoint, cseq: int, body: bytes = b"", extra: str = "") -> bytes:
        """Acknowledge the 200 of the INVITE with this CSeq."""
        uri, route = self.routing()
        return endpoint.ack(uri, self.flow, sender=self.local, recipient=self.remote, call_id=self.call_id, cseq=cseq, route=route, body=body, extra=extra)


def contact_of(message: Message) -> str | Fault:
    """URI of the one Contact a dialog needs (section 12.1)."""
    values = message.fields.get("Contact")
    if values is None:
        return Fault("Missing Contact", "Contact")
    value = values[0]
    if value[:1] == "<":
        end = value.find(">")
        if end > 5 and (len(value) == end + 1 or value[end + 1] == ";"):
            return value[1:end]
    elif value.startswith("sip:") and value.isprintable() and not any(mark in value for mark in '<>";, '):
        return value
    address = parse_name_addr(value)
    if isinstance(address, Fault):
        return Fault(address.reason, "Contact")
    return str(address.uri)


def _uri_of_sender(request: Request) -> str | Fault:
    address = parse_name_addr(request.fields["From"][0])
    return address if isinstance(address, Fault) else str(address.uri)


def host_port(uri: str) -> tuple[str, int]:
    """Host and port of a sip URI or of a name-addr around one; port 0 when it names none."""
    if "<" in uri:
        uri = uri[uri.find("<") + 1 :].partition(">")[0]
    rest = uri.partition(":")[2].partition(";")[0].partition("?")[0]
    rest = rest[rest.rfind("@") + 1 :]
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = rest.partition(":")
    return host, int(port) if port.isdecimal() and len(port) < 6 else 0


def is_private(host: str) -> bool:
    """RFC 1918 and unique-local addresses: of no use outside their own network."""
    if host.startswith(("10.", "192.168.", "fc", "fd")):
        return True
    return host.startswith("172.") and host[4:6].isdecimal() and 16 <= int(host[4:6]) <= 31


def _split(values: list[str]) -> list[str]:
    """Route values one by one; a malformed one ends the list, since what follows cannot be trusted."""
    if len(values) == 1 and "," not in values[0]:
        return values
    routes: list[str] = []
    for value in values:
        addresses = parse_name_addrs(value)
        if isinstance(addresses, Fault):
            break
        routes.extend(_bracketed(address) for address in addresses)
    return routes


def _bracketed(address: NameAddr) -> str:
    return f"<{address.uri}>"
