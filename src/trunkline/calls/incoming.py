"""The leg of whoever calls us: answering an INVITE, provisionally and finally (RFC 3261 section 13.3, RFC 3262)."""

from typing import TYPE_CHECKING

from trunkline.calls.events import Answer, CallEvent, Confirm, EarlyMedia, Fail, Progress, Release, Ring
from trunkline.calls.leg import ALLOW, SDP_TYPE, Leg, Owner, State
from trunkline.calls.trace import LegTrace
from trunkline.sip.dialog import Dialog
from trunkline.sip.fault import Fault
from trunkline.sip.headers.p_early_media import PEarlyMedia, parse_p_early_media
from trunkline.sip.message import Request
from trunkline.sip.reliable import ReliableProvisionals
from trunkline.sip.transactions import Server, ServerInvite

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard


class IncomingLeg(Leg):
    """Our end of a dialog somebody else began."""

    __slots__ = ("allowed", "call_id_line", "identified", "invite", "late_offer", "ok_extra", "reliable", "reliable_wanted")

    def __init__(self, board: "Switchboard", owner: Owner, call: str, trace: LegTrace, dialog: Dialog, invite: ServerInvite, request: Request) -> None:
        super().__init__(board, owner, call, 0, trace, dialog)
        self.invite: ServerInvite | None = invite
        invite.user = self
        invite.trace = trace
        self.remote_sdp = request.sdp
        self.late_offer = not self.remote_sdp
        "The INVITE had no SDP: our 200 carries the offer."
        fields = request.fields
        allow = fields.get("Allow")
        self.updates = allow is not None and "UPDATE" in allow[0]
        self.reliable: ReliableProvisionals | None = None
        self.reliable_wanted = 0
        "0 no, 1 supported, 2 required."
        if "Require" in fields and request.has_option("Require", "100rel"):
            self.reliable_wanted = 2
        elif "Supported" in fields and request.has_option("Supported", "100rel"):
            self.reliable_wanted = 1
        asked = parse_p_early_media(request.every("P-Early-Media")) if "P-Early-Media" in fields else None
        self.allowed = "inactive" if isinstance(asked, PEarlyMedia) and asked.supported else ""
        "What our newest 18x says of early media; empty: nothing, the caller did not ask (RFC 5009)."
        self.call_id_line = ""
        "Our call id, told to the dialer in 18x and 200."
        self.ok_extra = ""
        "Session-Expires lines for the 200."

    def take(self, event: CallEvent, now: float) -> None:
        if self.state is not State.SETUP or self.invite is None:
            super().take(event, now)
        elif isinstance(event, Ring):
            self._provisional(180, "Ringing", event.sdp, event.allows, now)
        elif isinstance(event, Answer):
            if self.reliable is not None:
                self._answer_after(self.reliable, event.sdp, now)
            else:
                self._answer(event.sdp, now)
        elif isinstance(event, EarlyMedia):
            self._provisional(event.status, event.phrase, event.sdp, event.allows, now)
        elif isinstance(event, Progress):
            self._provisional(event.status, event.phrase, b"", event.allows, now)
        elif isinstance(event, Fail):
            self._refuse(event, now)
        elif isinstance(event, Release):
            self._refuse(Fail(500, "Server Internal Error"), now)
        else:
            super().take(event, now)

    def _provisional(self, status: int, phrase: str, sdp: bytes, allows: str, now: float) -> None:
        invite = self.invite
        if invite is None:
            return
        extra = f"Contact: <{self.dialog.flow.door.contact}>\r\n{ALLOW}{self.call_id_line}{SDP_TYPE if sdp else ''}"
        if self.allowed:
            if sdp or (allows and self.local_sdp):
                self.allowed = allows or "sendrecv"
            extra += f"P-Early-Media: {self.allowed}\r\n"
        if sdp:
            self.local_sdp = sdp
        if self.reliable_wanted == 2 or (self.reliable_wanted and sdp):
            if self.reliable is None:
                endpoint = self.board.endpoint
                first = self.board.random.randrange(1, 2**30)
                self.reliable = ReliableProvisionals(invite, first, endpoint.timers, endpoint.settings, self._prack_missing)
            self.reliable.send(status, phrase, self.dialog.local_tag, extra, sdp, now)
        else:
            invite.respond(status, phrase, self.dialog.local_tag, now, extra, sdp)

    def _answer_after(self, reliable: ReliableProvisionals, sdp: bytes, now: float) -> None:
        """Answer once what went before is acknowledged."""
        reliable.after(lambda later: self._answer(sdp, later), now)

    def _answer(self, sdp: bytes, now: float) -> None:
        invite, self.invite = self.invite, None
        if invite is None:
            return
        if self.reliable is not None:
            self.reliable.stop()
            self.reliable = None
        extra = (
            f"Contact: <{self.dialog.flow.door.contact}>\r\n{ALLOW}Supported: timer, 100rel, replaces\r\n{self.call_id_line}{self.ok_extra}{SDP_TYPE if sdp else ''}"
        )
        if sdp:
            self.local_sdp = sdp
        self.unacked = invite
        invite.respond(200, "OK", self.dialog.local_tag, now, extra, sdp)
        self.opened(now)

    def _refuse(self, event: Fail, now: float) -> None:
        invite, self.invite = self.invite, None
        if invite is not None:
            invite.respond(event.status, event.phrase, self.dialog.local_tag, now, event.extra)
        self._close_reliable()
        self.end(now)

    def _close_reliable(self) -> None:
        if self.reliable is not None:
            self.reliable.stop()
            self.reliable = None

    def _prack_missing(self, now: float) -> None:
        """RFC 3262 section 3: no PRACK within 64 x T1 refuses the INVITE."""
        owner = self.owner
        self._refuse(Fail(504, "PRACK Missing"), now)
        if owner is not None:
            owner.hear(self, Release(cause=102, text="no PRACK", refusal="sip.no_prack"), now)

    def cancelled(self, reason: str, now: float) -> None:
        """The caller cancelled; nothing was answered yet."""
        owner = self.owner
        self._refuse(Fail(487, "Request Terminated"), now)
        if owner is not None:
            owner.hear(self, Release(reason=reason), now)

    def hung_up(self, now: float) -> None:
        """BYE before the answer ends the early dialog (RFC 3261 section 15)."""
        invite, self.invite = self.invite, None
        if invite is not None:
            invite.respond(487, "Request Terminated", self.dialog.local_tag, now)
        self._close_reliable()

    def received_prack(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        if self.reliable is None:
            super().received_prack(transaction, request, now)
            return
        fault = self.reliable.acknowledge(request, now)
        if isinstance(fault, Fault):
            transaction.respond(fault.status, "Call/Transaction Does Not Exist" if fault.status == 481 else fault.reason, "", now)
            return
        transaction.respond(200, "OK", "", now)
        self.reliable.resume(now)
        sdp = request.sdp
        if sdp:
            self.remote_sdp = sdp
            self.tell(Confirm(sdp), now)
