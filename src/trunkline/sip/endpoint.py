"""The sans-IO endpoint: all of SIP's messages and transactions behind a handful of verbs.

Bytes go in by `receive`, time by `handle_timer`; bytes come out of `datagrams_to_send`, news out of `next_event`. Nothing here opens a
socket, reads a clock or sleeps.

    endpoint.receive(data, flow, now)
    while event := endpoint.next_event():
        ...
    for flow, data in endpoint.datagrams_to_send():
        flow.door.send(data, flow.address)
"""

from collections import deque
from random import Random
from typing import Any, Final, TypeAlias

from trunkline.sip.build import Head, encode, request
from trunkline.sip.events import Acknowledged, Cancelled, Event, Received, Stray
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response, parse
from trunkline.sip.timers import Timers
from trunkline.sip.transactions import (
    Client,
    ClientInvite,
    Host,
    Machine,
    Server,
    ServerInvite,
    TimerSettings,
    Trace,
    client,
    client_invite,
    server_invite,
)

MAGIC: Final = "z9hG4bK"
"Branches of RFC 3261 begin with this (section 8.1.1.7)."

ClientTransaction: TypeAlias = Client | ClientInvite

ORPHANS: Final = 100_000
"Most cancelled INVITEs of an earlier life that are remembered."

UDP_SAFE_SIZE: Final = 1300
"Largest request that may go by UDP when the path MTU is unknown (RFC 3261 section 18.1.1)."


class Endpoint(Host):
    """Transactions of one node, over any number of doors."""

    __slots__ = ("_clients", "_events", "_merged", "_orphans", "_outbox", "_random", "_servers", "discarded")

    def __init__(self, random: Random, settings: TimerSettings | None = None) -> None:
        settings = settings or TimerSettings()
        super().__init__(Timers(25 / settings.t1), settings)
        self._random = random
        self._clients: dict[str, ClientTransaction] = {}
        self._servers: dict[str, Server | ServerInvite] = {}
        self._merged: dict[str, str] = {}
        "INVITEs being served, by caller, Call-ID and CSeq -> their key; a second key is a merged request."
        self._events: deque[Event] = deque()
        self._outbox: list[tuple[Flow, bytes]] = []
        self._orphans: dict[str, Head] = {}
        "INVITEs from before a restart, cancelled since, by branch: a late 200 to one is hung up, a refusal acknowledged."
        self.discarded = 0
        "Messages dropped because nothing sensible could be done with them."

    # The verbs.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        """One message: a datagram, or one message cut out of a stream."""
        message = parse(data)
        if isinstance(message, Request):
            self._receive_request(message, flow, now)
        elif isinstance(message, Response):
            self._receive_response(message, flow, now)
        else:
            self.discarded += 1

    def handle_timer(self, now: float) -> None:
        """Let every timer that is due speak."""
        for machine, what in self.timers.due(now):
            machine.on_timer(what, now)

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called next (monotonic seconds)."""
        return self.timers.next()

    def next_event(self) -> Event | None:
        events = self._events
        return events.popleft() if events else None

    def datagrams_to_send(self) -> list[tuple[Flow, bytes]]:
        """Everything queued since the last call; over a stream each item is one message."""
        outbox = self._outbox
        if outbox:
            self._outbox = []
        return outbox

    def transport_failed(self, flow: Flow, now: float) -> None:
        """The I/O layer could not deliver to this flow: its client transactions are told."""
        for transaction in [t for t in self._clients.values() if t.flow == flow and not t.lingering]:
            inputs = client_invite.Input if isinstance(transaction, ClientInvite) else client.Input
            transaction.feed(inputs.TRANSPORT_ERROR, None, now)

    def unsent(self, flow: Flow, now: float) -> None:
        """A datagram could not leave for this flow: requests that begin something and have heard nothing are told, so that they may go another way.

        Those within a dialog have no other way. They go on asking: the link may be back in a second, and a BYE must not be lost to that.
        """
        for transaction in [t for t in self._clients.values() if t.flow == flow and _begins(t)]:
            inputs = client_invite.Input if isinstance(transaction, ClientInvite) else client.Input
            transaction.feed(inputs.TRANSPORT_ERROR, None, now)

    # Commands.

    def token(self) -> str:
        """A tag, or the random part of a branch or Call-ID: 64 bits."""
        return hex(1 << 64 | self._random.getrandbits(64))[3:]  # behind "0x1", sixteen digits

    def request(
        self,
        method: str,
        uri: str,
        flow: Flow,
        *,
        sender: str,
        recipient: str,
        call_id: str,
        cseq: int,
        now: float,
        user: Any = None,
        trace: Trace | None = None,
        route: str = "",
        extra: str = "",
        body: bytes = b"",
        max_forwards: int = 70,
        large: Flow | None = None,
    ) -> ClientTransaction:
        """Send a request in a transaction of its own.

        `sender` and `recipient` are From and To values, tags included; `route` and `extra` are whole header lines. `large` is the flow to
        take instead when the message is over 1,300 bytes.
        """
        branch = MAGIC + self.token()
        head, data = self._compose(method, uri, flow, branch, sender, recipient, call_id, cseq, route, extra, body, max_forwards)
        if large is not None and len(data) > UDP_SAFE_SIZE:
            flow = large
            head, data = self._compose(method, uri, flow, branch, sender, recipient, call_id, cseq, route, extra, body, max_forwards)
        transaction: ClientTransaction
        transaction = ClientInvite(self, branch, flow, head) if method == "INVITE" else Client(self, branch, flow, method)
        transaction.user = user
        transaction.trace = trace
        if trace is not None:
            trace.add(True, f"{method} {uri}", f"{cseq} {method}", "", now)
        self._clients[branch] = transaction
        transaction.start(data, now)
        return transaction

    def ack(
        self, uri: str, flow: Flow, *, sender: str, recipient: str, call_id: str, cseq: int, route: str = "", body: bytes = b"", extra: str = ""
    ) -> bytes:
        """Send the ACK of a 200 (RFC 3261 section 13.2.2.4) and return it for repeats of that 200."""
        branch = MAGIC + self.token()
        _, data = self._compose("ACK", uri, flow, branch, sender, recipient, call_id, cseq, route, extra, body, 70)
        self._outbox.append((flow, data))
        return data

    def cancel(self, transaction: ClientInvite, now: float, reason: str = "") -> None:
        """Cancel an INVITE we sent: at once if it was answered provisionally, else when it is (RFC 3261 section 9.1).

        `reason` is a Reason header line or empty. Where no final answer follows within 64 x T1 the INVITE times out.
        """
        if transaction.cancelled or transaction.head is None:
            return
        if transaction.state is client_invite.State.CALLING:
            transaction.cancel_wanted = True
            transaction.generation += 1  # ask no more, but still clean up after an answer that is on its way
            self.timers.at(transaction.deadline, transaction, client_invite.Input.TIMER_B)
            return
        transaction.cancelled = True
        transaction.cancel_wanted = False
        head = transaction.head
        self.send_cancel(head, transaction.key, transaction.flow, now, reason).trace = transaction.trace
        if transaction.trace is not None:
            transaction.trace.add(True, f"CANCEL {head.uri}", f"{head.cseq} CANCEL", reason.strip().removeprefix("Reason: "), now)
        transaction.generation += 1
        self.timers.at(now + self.settings.give_up, transaction, client_invite.Input.TIMER_B)

    def send_cancel(self, head: Head, branch: str, flow: Flow, now: float, reason: str = "") -> Client:
        """Send the CANCEL of an INVITE whose transaction may be gone: a restart cancels what it cannot carry on."""
        if branch not in self._clients:
            if len(self._orphans) >= ORPHANS:
                self._orphans.clear()
            self._orphans[branch] = head
        key = f"{branch} CANCEL"
        cancel = Client(self, key, flow, "CANCEL")
        self._clients[key] = cancel
        data = head.cancel()
        if reason:
            data = data.replace(b"Content-Length: 0\r\n", encode(reason) + b"Content-Length: 0\r\n")
        cancel.start(data, now)
        return cancel

    def abandon(self, transaction: ClientTransaction, now: float) -> None:
        """Forget a request nobody waits for any more; only before a final answer."""
        inputs = client_invite.Input if isinstance(transaction, ClientInvite) else client.Input
        transaction.feed(inputs.ABANDON, None, now)

    def _compose(
        self, method: str, uri: str, flow: Flow, branch: str, sender: str, recipient: str, call_id: str, cseq: int, route: str, extra: str, body: bytes, hops: int
    ) -> tuple[Head, bytes]:
        door = flow.door
        head = Head(uri, f"{door.via};branch={branch};rport", sender, recipient, call_id, cseq, route)
        return head, request(method, head, extra, body, hops)

    # What the machines use.

    def send(self, flow: Flow, data: bytes) -> None:
        self._outbox.append((flow, data))

    def emit(self, event: Event) -> None:
        self._events.append(event)

    def forget(self, machine: Machine) -> None:
        if isinstance(machine, Server | ServerInvite):
            self._servers.pop(machine.key, None)
            if isinstance(machine, ServerInvite) and machine.merge:
                self._merged.pop(machine.merge, None)
        else:
            self._clients.pop(machine.key, None)

    # Counting, for tests and `trunkline status`.

    def open_transactions(self) -> list[Machine]:
        """Transactions with work left; lingering ones are not among them."""
        return [t for table in (self._clients, self._servers) for t in table.values() if not t.lingering]

    def lingering_transactions(self) -> int:
        return len(self._clients) + len(self._servers) - len(self.open_transactions())

    # Receiving.

    def _receive_request(self, message: Request, flow: Flow, now: float) -> None:
        method = message.method
        if message.branch.startswith(MAGIC):
            key = f"{message.branch}|{message.sent_by}|INVITE" if method in ("INVITE", "ACK") else f"{message.branch}|{message.sent_by}|{method}"
        else:
            key = _rfc2543_key(message)
        transaction = self._servers.get(key)
        if transaction is not None:
            if method == "ACK" and isinstance(transaction, ServerInvite) and transaction.state is server_invite.State.ACCEPTED:
                self._events.append(Acknowledged(message, flow))
                return
            transaction.receive(message, now)
            return
        if method == "ACK":
            if message.fault is None and message.to_tag:
                self._events.append(Acknowledged(message, flow))
            else:
                self.discarded += 1
            return
        if "Via" not in message.fields:
            self.discarded += 1
            return
        _note_source(message, flow)
        if method == "CANCEL":
            self._receive_cancel(message, key, flow, now)
            return
        new: Server | ServerInvite
        if method == "INVITE":
            new = ServerInvite(self, key, flow, message)
            if message.fault is None and not message.to_tag:
                merge = f"{message.from_tag}|{message.call_id}|{message.cseq}"
                if merge in self._merged:
                    self._servers[key] = new
                    new.respond(482, "Loop Detected", self.token(), now)
                    return
                self._merged[merge] = key
                new.merge = merge
        else:
            new = Server(self, key, flow, message)
        self._servers[key] = new
        if message.fault is not None:
            self._refuse(new, message.fault, now)
            return
        self._events.append(Received(new, message))

    def _refuse(self, transaction: Server | ServerInvite, fault: Fault, now: float) -> None:
        warning = f'Warning: 399 trunkline "{fault.reason}"\r\n'
        transaction.respond(fault.status, fault.reason, self.token(), now, warning)

    def _receive_cancel(self, message: Request, key: str, flow: Flow, now: float) -> None:
        """A CANCEL is answered hop by hop (RFC 3261 section 9.2)."""
        answer = Server(self, key, flow, message)
        self._servers[key] = answer
        if message.fault is not None:
            self._refuse(answer, message.fault, now)
            return
        if message.branch.startswith(MAGIC):
            invite = self._servers.get(f"{message.branch}|{message.sent_by}|INVITE")
        else:
            invite = self._servers.get(_rfc2543_key(message, "INVITE"))
        if not isinstance(invite, ServerInvite):
            answer.respond(481, "Call/Transaction Does Not Exist", self.token(), now)
            return
        if invite.trace is not None:
            invite.trace.add(False, message.start[:-8], f"{message.cseq} CANCEL", message.first("Reason"), now)
            answer.trace = invite.trace
        answer.respond(200, "OK", self.token(), now)
        if invite.reply is not None:
            self._events.append(Cancelled(invite, invite.user, message.first("Reason")))

    def _receive_response(self, message: Response, flow: Flow, now: float) -> None:
        key = f"{message.branch} CANCEL" if message.cseq_method == "CANCEL" else message.branch
        transaction = self._clients.get(key)
        if transaction is None or message.fault is not None:
            # A 200 to an INVITE that is gone is only acted on where that INVITE was ours: else strangers could aim our ACK and BYE.
            orphan = self._orphans.get(message.branch) if transaction is None and message.fault is None else None
            if orphan is not None and message.cseq_method == "INVITE" and message.status >= 200:
                if message.status < 300:
                    self._events.append(Stray(message, flow))
                else:
                    self._outbox.append((flow, orphan.ack(message.fields["To"][0])))
                return
            self.discarded += 1
            return
        vias = message.fields["Via"]
        if len(vias) > 1 or "," in vias[0]:
            self.discarded += 1  # not for us: a response with a second Via was routed wrongly (section 8.1.3.3)
            return
        transaction.receive(message, now)
        if isinstance(transaction, ClientInvite) and transaction.cancel_wanted and message.status < 200:
            self.cancel(transaction, now)
        return


def _begins(transaction: ClientTransaction) -> bool:
    """An unanswered request outside every dialog."""
    if isinstance(transaction, ClientInvite):
        head = transaction.head
        return transaction.state is client_invite.State.CALLING and head is not None and ";tag=" not in head.recipient
    return transaction.state is client.State.TRYING and transaction.method in ("OPTIONS", "REGISTER")


def _note_source(message: Request, flow: Flow) -> None:
    """Write `received` and `rport` into the top Via (RFC 3261 section 18.2.1, RFC 3581 section 4)."""
    vias = message.fields["Via"]
    top, comma, others = vias[0].partition(",")
    host, port = flow.address
    at = top.find(";rport")
    if at >= 0 and top[at + 6 : at + 7] in ("", ";"):
        top = f"{top[:at]};rport={port}{top[at + 6 :]};received={host}"
    elif not message.sent_by.startswith(host) and not message.sent_by.startswith(f"[{host}]"):
        top = f"{top};received={host}"
    else:
        return
    vias[0] = f"{top}{comma}{others}"


def _rfc2543_key(message: Request, method: str = "") -> str:
    """Transaction key of a request whose branch has no magic cookie (RFC 3261 section 17.2.3)."""
    name = method or ("INVITE" if message.method == "ACK" else message.method)
    to_tag = "" if name == "INVITE" else message.to_tag
    return f"{message.uri}|{to_tag}|{message.from_tag}|{message.call_id}|{message.cseq}|{message.first('Via')}|{name}"
