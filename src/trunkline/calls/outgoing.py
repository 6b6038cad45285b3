"""The leg we make: one INVITE to a gateway, through to its answer or its end (RFC 3261 section 13.2).

The leg looks after everything an attempt may leave behind. An attempt that was given up is cancelled; a 200 that crosses the CANCEL is
acknowledged and hung up; a second 200 from a fork likewise. None of it reaches the controller.
"""

from typing import TYPE_CHECKING, Final

from trunkline.calls.events import Answer, CallEvent, EarlyMedia, Fail, Progress, Redirect, Release, Ring, Update, UpdateRefused
from trunkline.calls.invitation import Invitation
from trunkline.calls.leg import ALLOW, SDP_TYPE, Leg, Owner, State
from trunkline.calls.trace import LegTrace
from trunkline.sip.dialog import Dialog
from trunkline.sip.digest import answer_challenge
from trunkline.sip.events import Replied
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.headers.name_addr import parse_name_addrs
from trunkline.sip.headers.p_early_media import PEarlyMedia, parse_p_early_media
from trunkline.sip.headers.retry_after import parse_retry_after
from trunkline.sip.headers.session_expires import parse_min_se
from trunkline.sip.message import Request, Response
from trunkline.sip.session_timer import asked
from trunkline.sip.transactions import Client, ClientInvite, Server, ServerInvite

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard

RETRIES: Final = 2
"Times one leg repeats its INVITE with credentials or a longer session interval."


class OutgoingLeg(Leg):
    """Our end of a dialog we began."""

    __slots__ = ("answered", "auth_line", "cancelling", "invitation", "invite", "min_se_s", "retries", "rseq")

    def __init__(self, board: "Switchboard", owner: Owner, call: str, number: int, trace: LegTrace, invitation: Invitation) -> None:
        tag = board.endpoint.token()
        dialog = Dialog(f"{board.endpoint.token()}{tag}", f"{invitation.sender};tag={tag}", tag, invitation.recipient, "", invitation.uri, invitation.flow)
        super().__init__(board, owner, call, number, trace, dialog)
        self.invitation = invitation
        self.invite: ClientInvite | None = None
        self.local_sdp = invitation.sdp
        self.session_expires_s = invitation.session_expires_s
        self.cancelling = False
        "Given up: whatever still comes is only cleaned up."
        self.answered = False
        self.retries = 0
        self.rseq = 0
        self.auth_line = ""
        self.min_se_s = 0

    def start(self, now: float, flow: Flow | None = None) -> None:
        """Send the INVITE; `flow` overrides the invitation's, for the fall-back from TCP to UDP."""
        invitation = self.invitation
        dialog = self.dialog
        dialog.local_cseq += 1
        hop = flow or dialog.flow
        reliable = "Supported: timer\r\n"
        if invitation.rel100 == "supported" and invitation.sdp:
            reliable = "Supported: timer, 100rel\r\n"
        elif invitation.rel100 == "required" and invitation.sdp:
            reliable = "Supported: timer\r\nRequire: 100rel\r\n"
        session = ""
        if self.session_expires_s:
            session = f"Session-Expires: {max(self.session_expires_s, self.min_se_s)}\r\n"
            if self.min_se_s:
                session += f"Min-SE: {self.min_se_s}\r\n"
        body = invitation.body or invitation.sdp
        kind = f"Content-Type: {invitation.kind}\r\n" if invitation.kind else SDP_TYPE if body else ""
        extra = f"Contact: <{hop.door.contact}>\r\n{ALLOW}{reliable}{session}{self.auth_line}{invitation.extra}{kind}"
        transaction = self.board.endpoint.request(
            "INVITE", invitation.uri, hop, sender=dialog.local, recipient=dialog.remote, call_id=dialog.call_id, cseq=dialog.local_cseq,
            now=now, user=self, trace=self.trace, extra=extra, body=body, max_forwards=invitation.max_forwards,
            large=invitation.large if flow is None else None,
        )  # fmt: skip
        assert isinstance(transaction, ClientInvite)
        self.invite = transaction
        dialog.flow = transaction.flow

    def may_be_challenged(self) -> bool:
        return self.invitation.credentials is not None

    def take(self, event: CallEvent, now: float) -> None:
        if self.state is State.SETUP:
            if isinstance(event, Release):
                self.cancel(event, now)
            elif isinstance(event, Update):
                self.tell(UpdateRefused(491, "Request Pending"), now)
        else:
            super().take(event, now)

    def cancel(self, event: Release, now: float) -> None:
        """Give the attempt up."""
        if self.cancelling or self.invite is None:
            return
        self.cancelling = True
        reason = event.reason or (f'SIP;cause=487;text="{event.text}"' if event.text else "")
        self.board.endpoint.cancel(self.invite, now, f"Reason: {reason}\r\n" if reason else "")

    def replied(self, event: Replied, now: float) -> None:
        if event.transaction is not self.invite:
            super().replied(event, now)
            return
        response = event.response
        status = response.status
        if status < 200:
            if not self.cancelling and status > 100:
                self._provisional(response, now)
            elif status == 100:
                self.tell(Progress(100, response.phrase), now)
        elif status < 300:
            self._success(response, now)
        else:
            self._failure(response, now)

    def _provisional(self, response: Response, now: float) -> None:
        if "RSeq" in response.fields and response.has_option("Require", "100rel") and not self._acknowledge_reliable(response, now):
            return
        sdp = response.sdp
        allowed = parse_p_early_media(response.every("P-Early-Media")) if "P-Early-Media" in response.fields else None
        allows = allowed.audio if isinstance(allowed, PEarlyMedia) else ""
        if response.status == 180:
            self.tell(Ring(sdp, allows), now)
        elif sdp:
            self.tell(EarlyMedia(response.status, response.phrase, sdp, allows), now)
        elif response.status != 199:
            self.tell(Progress(response.status, response.phrase, allows), now)

    def _acknowledge_reliable(self, response: Response, now: float) -> bool:
        """PRACK a reliable provisional response (RFC 3262 section 4); False for a repeat, for one that came before its turn, and for an RSeq that is
        no 32-bit number (section 7.1)."""
        number = response.fields["RSeq"][0]
        if not number.isdecimal() or len(number) > 10 or not response.to_tag:
            return False
        rseq = int(number)
        if self.rseq and response.to_tag == self.dialog.remote_tag and rseq != self.rseq + 1:
            return False  # of two that were sent the first was lost; both are sent again
        if self.dialog.establish(response, self.dialog.flow) is not None:
            return False
        self.rseq = rseq
        allow = response.fields.get("Allow")
        self.updates = allow is not None and "UPDATE" in allow[0]
        rack = f"RAck: {rseq} {response.cseq} INVITE\r\n"
        self.dialog.request(self.board.endpoint, "PRACK", now, trace=self.trace, extra=rack)
        return True

    def _success(self, response: Response, now: float) -> None:
        invite = self.invite
        assert invite is not None
        fault = self.dialog.establish(response, invite.flow)
        if fault is not None:
            self.dialog.remote, self.dialog.remote_tag = response.fields["To"][0], response.to_tag
        sdp = response.sdp
        late = not self.invitation.sdp and sdp and not self.cancelling
        if late and fault is None:
            self.late_cseq = response.cseq
        else:
            acknowledgement = self.dialog.ack(self.board.endpoint, response.cseq)
            self.trace.add(True, f"ACK {self.dialog.target}", f"{response.cseq} ACK", "", now)
            invite.settle(response.to_tag, acknowledgement)
        self.invite = None
        if self.cancelling or fault is not None:
            text = "cancelled" if self.cancelling else "no usable Contact"
            owner = self.owner
            self.bye(f'Reason: SIP;cause=487;text="{text}"\r\n', now)
            if owner is not None:
                owner.hear(self, Fail(200, "OK", refusal="call.cancelled") if self.cancelling else Fail(502, "Bad Contact"), now)
            return
        allow = response.fields.get("Allow")
        self.updates = allow is not None and "UPDATE" in allow[0]
        self.remote_sdp = sdp
        if self.session_expires_s:
            told = asked(response)
            if told is not None and not isinstance(told, Fault):
                self.start_session(max(told[0], self.board.settings.min_se_s), told[1] != "uas", now)
        self.opened(now)
        self.tell(Answer(sdp), now)

    def _failure(self, response: Response, now: float) -> None:
        status = response.status
        if not self.cancelling and self.retries < RETRIES and self._again(response, now):
            return
        if 300 <= status < 400:
            contacts: list[str] = []
            for value in response.fields.get("Contact", ()):
                addresses = parse_name_addrs(value)
                if not isinstance(addresses, Fault):
                    contacts.extend(str(address.uri) for address in addresses)
            if contacts and not self.cancelling:
                self._finish(Redirect(status, tuple(contacts)), now)
                return
        retry_after = 0
        if "Retry-After" in response.fields:
            parsed = parse_retry_after(response.fields["Retry-After"][0])
            if not isinstance(parsed, Fault):
                retry_after = parsed.seconds
        fail = Fail(status, response.phrase, response.every("Reason"), retry_after, credentials_sent=bool(self.auth_line))
        self._finish(fail, now)

    def _again(self, response: Response, now: float) -> bool:
        """Repeat the INVITE with what the far end asks for: credentials, or a longer session interval."""
        if response.status in (401, 407):
            line = self._credentials(response, "INVITE", self.invitation.uri)
            if not line:
                return False
            self.auth_line = line
        elif response.status == 422:
            wanted = parse_min_se(response.first("Min-SE"))
            if isinstance(wanted, Fault) or wanted.seconds <= self.min_se_s:
                return False
            self.min_se_s = wanted.seconds
        else:
            return False
        self.retries += 1
        self.start(now, self.invite.flow if self.invite is not None else None)
        return True

    def _credentials(self, response: Response, method: str, uri: str) -> str:
        """An Authorization line that answers a challenge, or nothing when we have no (other) answer."""
        credentials = self.invitation.credentials
        if credentials is None:
            return ""
        proxy = response.status == 407
        challenges = tuple(response.fields.get("Proxy-Authenticate" if proxy else "WWW-Authenticate", ()))
        if self.auth_line and not any("stale=true" in challenge.lower().replace('"', "") for challenge in challenges):
            return ""
        answer = answer_challenge(challenges, credentials.user, credentials.password, method, uri, b"", self.board.endpoint.token(), 1)
        if isinstance(answer, Fault):
            return ""
        return f"{'Proxy-Authorization' if proxy else 'Authorization'}: {answer}\r\n"

    def answer_challenge(self, event: Replied, now: float) -> bool:
        """A request within the dialog was challenged: send it once more with credentials."""
        transaction = event.transaction
        method = "INVITE" if isinstance(transaction, ClientInvite) else transaction.method
        uri, _ = self.dialog.routing()
        self.auth_line, before = "", self.auth_line
        line = self._credentials(event.response, method, uri)
        self.auth_line = before
        if not line or self.retries >= RETRIES:
            return False
        self.retries += 1
        if transaction is self.pending:
            if method == "INVITE":
                sdp = self.local_sdp if self.offered is None else self.offered
                extra = f"{line}Contact: <{self.dialog.flow.door.contact}>\r\n{ALLOW}{SDP_TYPE if sdp else ''}"
                self.pending = self.dialog.request(self.board.endpoint, "INVITE", now, user=self, trace=self.trace, extra=extra, body=sdp)
            else:
                self.pending = self.dialog.request(self.board.endpoint, method, now, user=self, trace=self.trace, extra=line)
        else:
            self.dialog.request(self.board.endpoint, method, now, trace=self.trace, extra=line)
        return True

    def timed_out(self, transaction: Client | ClientInvite, now: float) -> None:
        if transaction is self.invite:
            self._finish(Fail(408, "Request Timeout", silent=True), now)
        else:
            super().timed_out(transaction, now)

    def unreachable(self, transaction: Client | ClientInvite, now: float) -> None:
        """The transport failed; a large request that went by TCP falls back to UDP (RFC 3261 section 18.1.1)."""
        if transaction is not self.invite:
            super().timed_out(transaction, now)
            return
        invitation = self.invitation
        if invitation.large is not None and transaction.flow == invitation.large and not self.cancelling:
            self.dialog.local_cseq -= 1
            self.start(now, invitation.flow)
            return
        self._finish(Fail(503, "Transport Failed", silent=True), now)

    def give_up(self, now: float) -> None:
        """No response came in time: stop asking, without a CANCEL where nothing was heard."""
        if self.invite is not None and not self.cancelling:
            self.cancel(Release(), now)

    def _finish(self, event: CallEvent, now: float) -> None:
        self.invite = None
        owner = self.owner
        self.end(now)
        if owner is not None:
            owner.hear(self, event, now)

    def received(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        if self.state is State.SETUP and not self.dialog.remote_tag:
            self.dialog.remote_tag = request.from_tag  # an UPDATE or BYE that overtook the response which makes the dialog
        super().received(transaction, request, now)

    def hung_up(self, now: float) -> None:
        """BYE in the early dialog (RFC 3261 section 15): the INVITE itself still ends by its final response."""
        if self.invite is not None:
            self.invite.user = None
            self.board.endpoint.cancel(self.invite, now)
            self.invite = None
