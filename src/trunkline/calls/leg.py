"""A leg: our end of one dialog, from the answer on.

`IncomingLeg` and `OutgoingLeg` set the dialog up; once it is confirmed both ends are alike and live here: re-INVITE and UPDATE in either
direction with glare, session timers, INFO, REFER, BYE. The owner of a leg only sees call events (`calls/events.py`).
"""

from enum import IntEnum, auto
from typing import TYPE_CHECKING, Final, Protocol

from trunkline.calls.events import CallEvent, Confirm, Info, Release, Update, Updated, UpdateRefused
from trunkline.calls.trace import LegTrace
from trunkline.facts.record import DialogOpened
from trunkline.sip.build import phrase_of
from trunkline.sip.dialog import Dialog
from trunkline.sip.events import Replied
from trunkline.sip.fault import Fault
from trunkline.sip.message import Request, Response
from trunkline.sip.session_timer import SessionTimer, asked, minimum
from trunkline.sip.transactions import Client, ClientInvite, Server, ServerInvite

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard

ALLOW: Final = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, NOTIFY, MESSAGE\r\n"
SDP_TYPE: Final = "Content-Type: application/sdp\r\n"
GLARE_RETRIES: Final = 3
CSEQ_RESERVE: Final = 1000
"CSeq numbers a dialog may use before a restart's BYE would collide with them."


class State(IntEnum):
    SETUP = auto()
    CONFIRMED = auto()
    ENDED = auto()


class Owner(Protocol):
    """The controller of a leg."""

    def hear(self, leg: "Leg", event: CallEvent, now: float) -> None:
        """The far end of this leg did something."""


class Leg:
    """Our end of a confirmed dialog."""

    __slots__ = (
        "board", "call", "dialog", "generation", "glare", "late_cseq", "local_sdp", "number", "offered", "owner", "parting", "pending", "remote_sdp",
        "served", "session", "session_expires_s", "state", "trace", "unacked", "updates",
    )  # fmt: skip

    def __init__(self, board: "Switchboard", owner: Owner, call: str, number: int, trace: LegTrace, dialog: Dialog) -> None:
        self.board = board
        self.owner: Owner | None = owner
        self.call = call
        self.number = number
        "0 the caller's leg, 1 and up the legs we made."
        self.trace = trace
        self.dialog = dialog
        self.state = State.SETUP
        self.generation = 0
        self.local_sdp = b""
        "Last SDP we sent: what a session refresh repeats."
        self.remote_sdp = b""
        self.updates = False
        "The far end allows UPDATE."
        self.served: Server | ServerInvite | None = None
        "Their re-INVITE or UPDATE that waits for the other leg."
        self.unacked: ServerInvite | None = None
        "The INVITE of theirs whose 200 waits for an ACK."
        self.parting = ""
        "What our BYE says that waits for that ACK."
        self.pending: Client | ClientInvite | None = None
        "Our own re-INVITE or UPDATE."
        self.offered: bytes | None = None
        "SDP of the pending renegotiation; None when it is a session refresh."
        self.glare = 0
        self.late_cseq = 0
        "CSeq of our offerless INVITE whose ACK waits for the answer."
        self.session: SessionTimer | None = None
        self.session_expires_s = 0

    # What the owner says.

    def take(self, event: CallEvent, now: float) -> None:
        """Tell the far end."""
        if self.state is State.ENDED:
            return
        if isinstance(event, Release):
            self.release(event, now)
        elif isinstance(event, Update):
            self.renegotiate(event.sdp, now)
        elif isinstance(event, Updated):
            self._answer_served(200, "OK", event.sdp, now)
        elif isinstance(event, UpdateRefused):
            self._answer_served(event.status, event.phrase, b"", now)
        elif isinstance(event, Confirm):
            self.confirm(event.sdp, now)
        elif isinstance(event, Info):
            package = f"Info-Package: {event.package}\r\n" if event.package else ""
            extra = f"{package}Content-Type: {event.content_type}\r\n" if event.content_type else package
            self.dialog.request(self.board.endpoint, event.method, now, trace=self.trace, extra=extra, body=event.body)

    def release(self, event: Release, now: float) -> None:
        """Hang up a confirmed dialog."""
        reason = event.reason or (f'Q.850;cause={event.cause};text="{event.text}"' if event.text else f"Q.850;cause={event.cause}")
        self.bye(f"Reason: {reason}\r\n", now)

    def bye(self, extra: str, now: float) -> None:
        if self.unacked is not None and not self.parting:
            self.parting, self.owner = extra, None  # RFC 3261 section 15: not before their ACK, or when none comes
            return
        if self.late_cseq:
            self.confirm(b"", now)
        user = self if self.may_be_challenged() else None
        self.dialog.request(self.board.endpoint, "BYE", now, user=user, trace=self.trace, extra=extra)
        self.end(now)

    def may_be_challenged(self) -> bool:
        """Whether the far end may ask for credentials that we have."""
        return False

    def end(self, now: float) -> None:
        """Nothing more will come of this leg; let go of everything it holds."""
        self.state = State.ENDED
        self.generation += 1
        self.board.forget(self)
        if self.session is not None:
            self.session.stop()
            self.session = None
        if self.served is not None:
            self._answer_served(487, "Request Terminated", b"", now)
        if self.unacked is not None:
            self.unacked.user = None
            self.unacked = None
        if self.pending is not None:
            self.pending.user = None
            self.pending = None
        self.owner = None

    def tell(self, event: CallEvent, now: float) -> None:
        if self.owner is not None:
            self.owner.hear(self, event, now)

    def opened(self, now: float) -> None:
        """The dialog is confirmed: write down what a restart needs to end it."""
        self.state = State.CONFIRMED
        dialog = self.dialog
        self.board.emit(
            DialogOpened(
                self.call, self.number, self.board.clock.utc_us(now), dialog.flow.door.name, dialog.flow.door.transport, str(dialog.flow),
                dialog.call_id, dialog.local, dialog.remote, dialog.target, dialog.route, dialog.local_cseq + CSEQ_RESERVE,
            ),
            now,
        )  # fmt: skip

    # Renegotiation we start.

    def renegotiate(self, sdp: bytes, now: float) -> None:
        """Send a re-INVITE with an offer, or without one to ask for it."""
        if self.served is not None or self.pending is not None:
            self.tell(UpdateRefused(491, "Request Pending"), now)
            return
        self.offered = sdp
        self.glare = 0
        self._reinvite(now)

    def _reinvite(self, now: float) -> None:
        sdp = self.local_sdp if self.offered is None else self.offered
        if sdp:
            self.local_sdp = sdp
        extra = f"Contact: <{self.dialog.flow.door.contact}>\r\n{ALLOW}Supported: timer\r\n{self._session_line()}{SDP_TYPE if sdp else ''}"
        self.pending = self.dialog.request(self.board.endpoint, "INVITE", now, user=self, trace=self.trace, extra=extra, body=sdp)

    def _session_line(self) -> str:
        session = self.session
        if session is None or not session.interval_s:
            return ""
        return f"Session-Expires: {session.interval_s};refresher={'uac' if session.ours else 'uas'}\r\n"

    def replied(self, event: Replied, now: float) -> None:
        """An answer to a request of ours within the dialog."""
        response = event.response
        transaction = event.transaction
        if response.status < 200:
            return
        if transaction is not self.pending:
            if transaction.key and response.status in (401, 407):
                self.answer_challenge(event, now)
            return
        invite = isinstance(transaction, ClientInvite)
        if response.status < 300:
            self._renewed(response, invite, now)
        elif response.status == 491 and self.glare < GLARE_RETRIES:
            self.glare += 1
            self.pending = None
            # RFC 3261 section 14.1: the owner of the Call-ID waits 2.1-4 s, the other 0-2 s.
            wait = self.board.random.uniform(2.1, 4.0) if self.number else self.board.random.uniform(0.0, 2.0)
            self.board.endpoint.timers.at(now + wait, self, Wait.GLARE)
        elif response.status in (401, 407) and self.answer_challenge(event, now):
            return
        elif response.status in (408, 481):
            self.pending = None
            self.lost(now)
        else:
            self.pending = None
            if self.offered is not None:
                self.tell(UpdateRefused(response.status, response.phrase or phrase_of(response.status)), now)

    def _renewed(self, response: Response, invite: bool, now: float) -> None:
        """Our re-INVITE or UPDATE was accepted."""
        pending, self.pending = self.pending, None
        refresh = self.offered is None
        self.dialog.refresh_target(response)
        self._restart_session(response, now)
        if invite:
            assert isinstance(pending, ClientInvite)
            if refresh or self.offered:
                acknowledgement = self.dialog.ack(self.board.endpoint, response.cseq)
                self.trace.add(True, f"ACK {self.dialog.target}", f"{response.cseq} ACK", "", now)
                pending.settle(response.to_tag, acknowledgement)
            else:
                self.late_cseq = response.cseq
        sdp = response.sdp
        if sdp:
            self.remote_sdp = sdp
        if not refresh:
            self.tell(Updated(sdp), now)

    def confirm(self, sdp: bytes, now: float) -> None:
        """Acknowledge a 200 that carried the offer, with our answer."""
        if not self.late_cseq:
            return
        if sdp:
            self.local_sdp = sdp
        self.dialog.ack(self.board.endpoint, self.late_cseq, sdp, SDP_TYPE if sdp else "")
        self.trace.add(True, f"ACK {self.dialog.target}", f"{self.late_cseq} ACK", "", now)
        self.late_cseq = 0

    def timed_out(self, transaction: Client | ClientInvite, now: float) -> None:
        """A request of ours in the dialog got no answer: the far end is gone (RFC 3261 section 12.2.1.2)."""
        if transaction is self.pending:
            self.pending = None
            self.lost(now)

    def lost(self, now: float) -> None:
        """The far end does not know the dialog any more."""
        owner = self.owner
        self.bye('Reason: SIP;cause=408;text="No answer in dialog"\r\n', now)
        if owner is not None:
            owner.hear(self, Release(cause=102, text="dialog lost"), now)

    def answer_challenge(self, event: Replied, now: float) -> bool:
        """Send the request again with credentials; only legs to carriers have any."""
        return False

    # Session timers.

    def start_session(self, interval_s: int, ours: bool, now: float) -> None:
        if self.session is None:
            self.session = SessionTimer(self.board.endpoint.timers, self)
        self.session.start(interval_s, ours, now)

    def _restart_session(self, response: Response, now: float) -> None:
        if self.session is None:
            return
        told = asked(response)
        if told is None or isinstance(told, Fault):
            self.session.start(self.session.interval_s, self.session.ours, now)
        else:
            self.session.start(told[0], told[1] != "uas", now)

    def serve_session(self, request: Request, now: float) -> str | int:
        """Grant a session interval to a request: header lines for the 200, or the Min-SE a 422 must name."""
        if not self.session_expires_s:
            return ""
        wanted = asked(request)
        if isinstance(wanted, Fault):
            wanted = None
        smallest = minimum(request, self.board.settings.min_se_s)
        supported = request.has_option("Supported", "timer")
        if wanted is not None and wanted[0] < self.board.settings.min_se_s and supported:
            return self.board.settings.min_se_s
        interval = max(smallest, min(wanted[0], self.session_expires_s) if wanted else self.session_expires_s)
        if not supported:
            if wanted is not None:
                self.start_session(interval, True, now)
            return ""
        theirs = wanted is None or wanted[1] != "uas"
        self.start_session(interval, not theirs, now)
        return f"{'Require: timer' + chr(13) + chr(10) if theirs else ''}Session-Expires: {interval};refresher={'uac' if theirs else 'uas'}\r\n"

    def refresh_session(self, now: float) -> None:
        if self.pending is not None or self.served is not None:
            return  # whatever is under way refreshes the session
        self.offered = None
        if self.updates:
            extra = f"Contact: <{self.dialog.flow.door.contact}>\r\nSupported: timer\r\n{self._session_line()}"
            self.pending = self.dialog.request(self.board.endpoint, "UPDATE", now, user=self, trace=self.trace, extra=extra)
        else:
            self._reinvite(now)

    def session_expired(self, now: float) -> None:
        owner = self.owner
        self.bye('Reason: SIP;cause=408;text="Session expired"\r\n', now)
        if owner is not None:
            owner.hear(self, Release(cause=102, text="session expired", refusal="sip.session_expired"), now)

    # Requests within the dialog.

    def received(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        """A request of theirs within the dialog."""
        method = request.method
        transaction.trace = self.trace
        self.trace.add(False, request.start[:-8], f"{request.cseq} {method}", request.first("Reason"), now)
        disorder = self.dialog.accept(request)
        if disorder is not None:
            transaction.respond(disorder.status, disorder.reason, "", now)
            return
        if method == "BYE":
            self._received_bye(transaction, request, now)
        elif method in ("INVITE", "UPDATE"):
            self._received_offer(transaction, request, now)
        elif method == "PRACK":
            self.received_prack(transaction, request, now)
        elif method in ("INFO", "MESSAGE"):
            transaction.respond(200, "OK", "", now)
            self.tell(Info(method, request.first("Content-Type"), request.body, request.first("Info-Package")), now)
        elif method == "REFER":
            self.board.transfers.referred(self, transaction, request, now)
        elif method == "OPTIONS":
            transaction.respond(200, "OK", "", now, ALLOW)
        elif method in ("NOTIFY", "SUBSCRIBE"):
            transaction.respond(489, "Bad Event", "", now)
        else:
            transaction.respond(405, "Method Not Allowed", "", now, ALLOW)

    def _received_bye(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        transaction.respond(200, "OK", "", now)
        reason = request.first("Reason")
        owner = self.owner
        self.hung_up(now)
        if self.unacked is not None:
            self.unacked.acknowledged(now)  # who hangs up has our 200, even where the ACK was lost or overtaken
        self.end(now)
        if owner is not None:
            owner.hear(self, Release(reason=reason), now)

    def hung_up(self, now: float) -> None:
        """BYE came; what set-up still has open is closed by the subclass."""

    def received_prack(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        transaction.respond(481, "Call/Transaction Does Not Exist", "", now)

    def _received_offer(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        if self.pending is not None:
            transaction.respond(491, "Request Pending", "", now)
            return
        if self.served is not None:
            transaction.respond(500, "Server Internal Error", "", now, f"Retry-After: {self.board.random.randrange(11)}\r\n")
            return
        sdp = request.sdp
        if request.body and not sdp:
            transaction.respond(415, "Unsupported Media Type", "", now, "Accept: application/sdp\r\n")
            return
        granted = self.serve_session(request, now)
        if isinstance(granted, int):
            transaction.respond(422, "Session Interval Too Small", "", now, f"Min-SE: {granted}\r\n")
            return
        self.dialog.refresh_target(request)
        if isinstance(transaction, ServerInvite):
            transaction.user = self
        if (not sdp and request.method == "UPDATE") or (sdp and sdp == self.remote_sdp and self.local_sdp and self.state is State.CONFIRMED):
            body = self.local_sdp if sdp else b""
            self.served = transaction
            self._answer_served(200, "OK", body, now, granted)
            return
        if self.state is not State.CONFIRMED and request.method == "INVITE":
            transaction.respond(491, "Request Pending", "", now)
            return
        if sdp:
            self.remote_sdp = sdp
        self.served = transaction
        if request.method == "INVITE":
            transaction.respond(100, "Trying", "", now)
        self.tell(Update(sdp), now)

    def _answer_served(self, status: int, phrase: str, sdp: bytes, now: float, session_line: str = "") -> None:
        served, self.served = self.served, None
        if served is None:
            return
        if status >= 300:
            served.respond(status, phrase, "", now)
            return
        if sdp:
            self.local_sdp = sdp
        extra = f"Contact: <{self.dialog.flow.door.contact}>\r\n{ALLOW}{session_line or self._session_answer()}{SDP_TYPE if sdp else ''}"
        if isinstance(served, ServerInvite):
            self.unacked = served
        served.respond(status, phrase, "", now, extra, sdp)

    def _session_answer(self) -> str:
        session = self.session
        if session is None or not session.interval_s:
            return ""
        return f"Session-Expires: {session.interval_s};refresher={'uas' if session.ours else 'uac'}\r\n"

    def acknowledged(self, request: Request, now: float) -> None:
        """The ACK of our 200."""
        self.trace.add(False, request.start[:-8], f"{request.cseq} ACK", "", now)
        unacked, self.unacked = self.unacked, None
        if unacked is None:
            return
        unacked.acknowledged(now)
        if self.parting:
            self.bye(self.parting, now)
        elif sdp := request.sdp:
            self.remote_sdp = sdp
            self.tell(Confirm(sdp), now)

    def unacknowledged(self, now: float) -> None:
        """They never acknowledged our 200 (RFC 3261 section 13.3.1.4)."""
        self.unacked = None
        self.lost(now)

    def on_timer(self, what: int, now: float) -> None:
        if what == Wait.GLARE and self.pending is None and self.state is State.CONFIRMED:
            self._reinvite(now)


class Wait(IntEnum):
    """Timers of a leg."""

    GLARE = 1
    HANG_UP = 2


__all__ = ["ALLOW", "SDP_TYPE", "Leg", "Owner", "State", "Wait"]
