"""Transfers: REFER and Replaces (RFC 3515, RFC 3891, RFC 5589), executed here.

A REFER asks us to call somebody else on behalf of the other side. We do so only where policy lets that leg transfer, and the target passes
the decider like any new call. The side that stays is connected to the target by third-party call control (RFC 3725): the target is offered
what the staying side last described, and the staying side gets a re-INVITE with the target's answer.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from trunkline.calls.attempt import Attempt
from trunkline.calls.events import Answer, CallEvent, EarlyMedia, Fail, Progress, Release, Ring, Update
from trunkline.calls.leg import Leg, State
from trunkline.calls.masking import pass_on
from trunkline.calls.trace import LegTrace
from trunkline.decide.plan import CallRequest, Plan
from trunkline.facts.refusal import TRANSFER_REFUSED
from trunkline.sip.fault import Fault
from trunkline.sip.headers.name_addr import parse_name_addr
from trunkline.sip.headers.replaces import parse_replaces
from trunkline.sip.message import Request
from trunkline.sip.transactions import Server, ServerInvite
from trunkline.sip.uri import parse_uri, user_of

if TYPE_CHECKING:
    from trunkline.calls.call import Call
    from trunkline.calls.switchboard import Switchboard

PARTING_S: Final = 4.0
"How long a referrer that was told of success may take to hang up by itself."


class Wait(IntEnum):
    PARTING = 1


class Referral:
    """The implicit subscription of a REFER: the referrer hears how the new call fares."""

    __slots__ = ("board", "cseq", "generation", "leg", "over")

    def __init__(self, board: "Switchboard", leg: Leg, cseq: int) -> None:
        self.board = board
        self.leg: Leg | None = leg
        self.cseq = cseq
        self.generation = 0
        self.over = False

    def notify(self, status: int, phrase: str, now: float) -> None:
        leg = self.leg
        if leg is None or self.over or leg.state is not State.CONFIRMED:
            return
        self.over = status >= 200
        state = "terminated;reason=noresource" if self.over else "active;expires=60"
        extra = (
            f"Contact: <{leg.dialog.flow.door.contact}>\r\nEvent: refer;id={self.cseq}\r\nSubscription-State: {state}\r\n"
            "Content-Type: message/sipfrag;version=2.0\r\n"
        )
        leg.dialog.request(self.board.endpoint, "NOTIFY", now, trace=leg.trace, extra=extra, body=f"SIP/2.0 {status} {phrase}\r\n".encode())

    def part(self, now: float) -> None:
        """The transfer succeeded: the referrer should hang up, and is hung up on when it does not."""
        self.board.endpoint.timers.at(now + PARTING_S, self, Wait.PARTING)

    def on_timer(self, what: int, now: float) -> None:
        leg, self.leg = self.leg, None
        if leg is not None and leg.state is State.CONFIRMED:
            leg.tell(Release(text="transferred"), now)
            leg.take(Release(text="transferred"), now)


class Staying(Leg):
    """The side that stays, as the caller of the transferred call: what its new partner does reaches it as a re-INVITE.

    It wears the interface of a leg towards the new call and turns into the real leg at the answer.
    """

    __slots__ = ("leg", "referral", "transfer")

    def __init__(self, board: "Switchboard", leg: Leg, referral: Referral, original: "Call") -> None:
        super().__init__(board, original, leg.call, leg.number, LegTrace([], 0), leg.dialog)
        self.leg = leg
        self.referral = referral
        self.transfer = original
        self.remote_sdp = leg.remote_sdp

    def take(self, event: CallEvent, now: float) -> None:
        if isinstance(event, Ring | EarlyMedia):
            self.referral.notify(180, "Ringing", now)
        elif isinstance(event, Progress):
            self.referral.notify(event.status, event.phrase, now)
        elif isinstance(event, Answer):
            self.board.transfers.complete(self, event, now)
        elif isinstance(event, Fail):
            self.referral.notify(event.status, event.phrase, now)


class Transfers:
    """Executes REFERs for a switchboard."""

    def __init__(self, board: "Switchboard") -> None:
        self.board = board

    def referred(self, leg: Leg, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        """A REFER within a call."""
        call = self._call_of(leg)
        target = parse_name_addr(request.first("Refer-To"))
        if isinstance(target, Fault) or len(request.fields.get("Refer-To", ())) != 1:
            transaction.respond(400, "Bad Refer-To", "", now)
            return
        uri = parse_uri(str(target.uri))
        if isinstance(uri, Fault) or uri.scheme not in ("sip", "sips", "tel"):
            transaction.respond(416, "Unsupported URI Scheme", "", now)
            return
        if call is None or leg is not call.caller or not call.plan.trunk.transfer or call.callee is None or leg.state is not State.CONFIRMED:
            transaction.respond(403, "Forbidden", "", now, f'Warning: 399 trunkline "{TRANSFER_REFUSED.code}"\r\n')
            return
        replaces = uri.header("Replaces") or ""
        if replaces:
            self._attended(leg, call, transaction, request, unquote(replaces), now)
        else:
            self._blind(leg, call, transaction, request, user_of(str(target.uri)), now)

    def _accept(self, leg: Leg, transaction: Server | ServerInvite, request: Request, now: float) -> Referral:
        transaction.respond(202, "Accepted", "", now, f"Contact: <{leg.dialog.flow.door.contact}>\r\n")
        referral = Referral(self.board, leg, request.cseq)
        referral.notify(100, "Trying", now)
        return referral

    def _blind(self, leg: Leg, call: "Call", transaction: Server | ServerInvite, request: Request, user: str, now: float) -> None:
        from trunkline.calls.call import Call

        board = self.board
        staying = call.callee
        assert staying is not None
        call_id = board.endpoint.token()
        verdict = board.decider.decide(CallRequest(call_id, request, leg.dialog.flow, call.plan.trunk.name, user), now)
        referral = self._accept(leg, transaction, request, now)
        if not isinstance(verdict, Plan):
            referral.notify(403, "Forbidden", now)
            return
        new = Call(board, call_id, verdict, [], now, 70, call.session_id)
        new.caller = Staying(board, staying, referral, call)
        new.source = (str(leg.dialog.flow), leg.dialog.flow.door.transport, request.call_id, "")
        board.calls[call_id] = new
        board.decided(verdict, now)
        new.begin(now)

    def complete(self, staying: Staying, event: Answer, now: float) -> None:
        """The target answered: connect it to the side that stays, and let the referrer go."""
        original, leg = staying.transfer, staying.leg
        new = staying.board.calls.get(self._new_call(staying))
        if new is None:
            return
        if leg.state is not State.CONFIRMED:
            new.caller = None
            staying.referral.notify(487, "Request Terminated", now)
            if new.callee is not None:
                new.hear(leg, Release(text="transferee gone"), now)
            return
        attempt = original.hand_over(now)
        new.caller = leg
        if isinstance(leg.owner, Attempt):
            leg.owner.call = new
        elif attempt is not None:
            attempt.call = new
        pass_on(original, new, now)
        new.await_reinvite = leg
        leg.take(Update(event.sdp), now)
        staying.referral.notify(200, "OK", now)
        staying.referral.part(now)

    def _new_call(self, staying: Staying) -> str:
        return next((call.id for call in self.board.calls.values() if call.caller is staying), "")

    def _attended(self, leg: Leg, call: "Call", transaction: Server | ServerInvite, request: Request, replaces: str, now: float) -> None:
        """Connect the two far sides of two calls of the same trunk."""
        parsed = parse_replaces(replaces)
        if isinstance(parsed, Fault):
            transaction.respond(400, "Bad Replaces", "", now)
            return
        other = self.board.legs.get(parsed.to_tag) or self.board.legs.get(parsed.from_tag)
        second = self._call_of(other) if other is not None else None
        if (
            other is None or second is None or second is call or other.dialog.call_id != parsed.call_id or second.caller is not other
            or second.callee is None or second.plan.trunk.name != call.plan.trunk.name or call.callee is None
        ):  # fmt: skip
            transaction.respond(481, "Call/Transaction Does Not Exist", "", now)
            return
        referral = self._accept(leg, transaction, request, now)
        first_far, second_far = call.callee, second.callee
        attempt = call.hand_over(now)
        if attempt is not None:
            attempt.call = second
        second.replace_caller(first_far, now)
        pass_on(call, second, now)
        # Anchored, the staying side gets the address the parting one had; else it is told of the target's directly.
        first_far.take(Update(other.local_sdp if second.audio.anchored else second_far.remote_sdp), now)
        second.await_reinvite = first_far
        referral.notify(200, "OK", now)
        referral.part(now)

    def _call_of(self, leg: Leg) -> "Call | None":
        from trunkline.calls.call import Call

        owner = leg.owner
        if isinstance(owner, Attempt):
            return owner.call
        return owner if isinstance(owner, Call) else None
