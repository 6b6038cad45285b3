"""New calls: an INVITE that asks to be placed becomes a call, a refusal, or waits a moment for what the decision lacks.

A call may have to wait for its turn under a rate, for a portability look-up or for a signer's certificate; its caller hears 100 Trying
meanwhile, and is decided on again when the decider says so, at the latest at the moment it named. That it waits is on record, or a crash would
leave no trace of it.
"""

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from trunkline.calls.call import Call
from trunkline.calls.incoming import IncomingLeg
from trunkline.calls.record import asked_of, refused_fact, told_lines
from trunkline.calls.trace import LegTrace, Row
from trunkline.decide.plan import CallRequest, Challenge, Plan, Postponed, Refused
from trunkline.facts import refusal as catalogue
from trunkline.facts.record import Parked
from trunkline.facts.refusal import Refusal
from trunkline.facts.told import told
from trunkline.sip.dialog import Dialog
from trunkline.sip.fault import Fault
from trunkline.sip.message import Request
from trunkline.sip.transactions import ServerInvite
from trunkline.sip.uri import user_of

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard


class Arrival:
    """An INVITE on its way to becoming a call."""

    __slots__ = ("at", "call", "dialog", "postponed", "request", "seen", "session_id", "tag", "transaction")

    def __init__(self, call: str, transaction: ServerInvite, request: Request, dialog: Dialog, session_id: str, tag: str, at: float) -> None:
        self.call = call
        self.transaction = transaction
        self.request = request
        self.dialog = dialog
        self.session_id = session_id
        self.seen = f"{session_id}|{request.uri}"
        self.tag = tag
        self.at = at
        self.postponed: Postponed | None = None

    @property
    def direction(self) -> str:
        return "inbound" if self.transaction.flow.door.purpose == "carriers" else "outbound"


class Arrivals:
    """What the switchboard does with an INVITE outside any dialog."""

    def __init__(self, board: "Switchboard") -> None:
        self.board = board
        self.waiting: dict[str, Arrival] = {}
        "By call id; each has been postponed."
        self.generation = 0
        self._until: list[tuple[float, str]] = []
        "Heap of when waiting calls may wait until; an entry is not removed when its call goes earlier."
        self._armed = -1.0
        "When the one live timer goes off; -1 while there is none."

    def invited(self, transaction: ServerInvite, request: Request, tag: str, now: float) -> None:
        """A new INVITE."""
        board = self.board
        if board.closed is not None:
            self._turn_away(transaction, board.closed, tag, now)
            return
        if request.body and not request.sdp:
            transaction.respond(415, "Unsupported Media Type", tag, now, "Accept: application/sdp\r\n")
            return
        if request.max_forwards <= 0:
            self._turn_away(transaction, catalogue.TOO_MANY_HOPS, tag, now)
            return
        session_id = session_of(request) or board.endpoint.token() + board.endpoint.token()
        if f"{session_id}|{request.uri}" in board.sessions:
            self._turn_away(transaction, catalogue.LOOP, tag, now)
            return
        call_id = board.endpoint.token()
        dialog = Dialog.serving(request, tag, transaction.flow)
        if isinstance(dialog, Fault):
            transaction.respond(dialog.status, dialog.reason, tag, now)
            return
        self._decide(Arrival(call_id, transaction, request, dialog, session_id, tag, now), now)

    def _decide(self, arrival: Arrival, now: float) -> None:
        transaction = arrival.transaction
        verdict = self.board.decider.decide(CallRequest(arrival.call, arrival.request, transaction.flow), now)
        if isinstance(verdict, Plan):
            if arrival.postponed is None:
                transaction.respond(100, "Trying", "", now)
            self._open(arrival, verdict, now)
        elif isinstance(verdict, Challenge):
            lines = "".join([f"WWW-Authenticate: {header}\r\n" for header in verdict.headers])
            transaction.respond(401, "Unauthorized", arrival.tag, now, lines)
        elif isinstance(verdict, Postponed):
            self._wait(arrival, verdict, now)
        else:
            self._refused(arrival, verdict, now)

    # Waiting.

    def _wait(self, arrival: Arrival, postponed: Postponed, now: float) -> None:
        if arrival.postponed is None:
            arrival.transaction.respond(100, "Trying", "", now)
            self.board.emit(self._parked(arrival, postponed), now)
        self.board.sessions.add(arrival.seen)
        arrival.postponed = postponed
        self.waiting[arrival.call] = arrival
        heappush(self._until, (postponed.until, arrival.call))
        self._arm(postponed.until)

    def _parked(self, arrival: Arrival, postponed: Postponed) -> Parked:
        board, trunk, flow, request = self.board, postponed.trunk, arrival.transaction.flow, arrival.request
        return Parked(
            arrival.call, board.clock.utc_us(arrival.at), arrival.direction, trunk.tenant, trunk.name, str(flow), flow.door.transport, request.call_id,
            postponed.called, postponed.number, user_of(request.fields["From"][0]), arrival.session_id,
            asked_of(arrival.transaction, arrival.tag, str(flow)),
        )  # fmt: skip

    def _arm(self, until: float) -> None:
        """Be woken for a call that may wait until then, or for the next the decider lets go; one timer serves all that wait."""
        due = self.board.decider.next_due()
        at = until if due is None else min(until, due)
        if self._armed < 0.0 or at < self._armed:
            self._armed = at
            self.generation += 1
            self.board.endpoint.timers.at(at, self, 0)

    def turn(self, now: float) -> None:
        """Decide on waiting calls whose time has come."""
        if not self.waiting:
            return
        for call in self.board.decider.due(now):
            self._again(call, now)
        late: list[str] = []
        until = self._until
        while until and until[0][0] <= now:
            late.append(heappop(until)[1])
        for call in late:
            arrival = self.waiting.get(call)
            if arrival is not None and arrival.postponed is not None and arrival.postponed.until <= now:
                self._again(call, now)
        if self.waiting:
            self._arm(until[0][0])
        else:
            until.clear()

    def on_timer(self, what: int, now: float) -> None:
        self._armed = -1.0
        self.turn(now)

    def _again(self, call: str, now: float) -> None:
        arrival = self.waiting.get(call)
        if arrival is not None:
            self._take_out(arrival)
            self._decide(arrival, now)

    def _take_out(self, arrival: Arrival) -> Postponed:
        """The arrival waits no longer; what was said of its waiting."""
        postponed = arrival.postponed
        assert postponed is not None
        del self.waiting[arrival.call]
        self.board.sessions.discard(arrival.seen)
        return postponed

    def _give_up(self, arrival: Arrival, refusal: Refusal) -> Refused:
        """The arrival is not to be placed any more."""
        postponed = self._take_out(arrival)
        return Refused(refusal, postponed.trunk, postponed.called, number=postponed.number)

    def cancelled(self, transaction: ServerInvite, now: float) -> bool:
        """The caller of a waiting call hung up; False where it is none."""
        arrival = next((one for one in self.waiting.values() if one.transaction is transaction), None)
        if arrival is None:
            return False
        refused = self._give_up(arrival, catalogue.CANCELLED)
        transaction.respond(487, "Request Terminated", arrival.tag, now)
        self.board.emit(refused_fact(self.board, arrival, refused, 487, 0, "dialer", now), now)
        return True

    def refuse_waiting(self, refusal: Refusal, now: float) -> None:
        """The node stops: whoever waits is told so."""
        for arrival in list(self.waiting.values()):
            self._refused(arrival, self._give_up(arrival, refusal), now)

    # Verdicts.

    def _open(self, arrival: Arrival, plan: Plan, now: float) -> None:
        board, request, transaction, dialog, call_id = self.board, arrival.request, arrival.transaction, arrival.dialog, arrival.call
        rows: list[Row] = []
        trace = LegTrace(rows, 0)
        trace.add(False, request.start[:-8], f"{request.cseq} INVITE", "", arrival.at)
        trace.add(True, "100 Trying", f"{request.cseq} INVITE", "", arrival.at)
        call = Call(board, call_id, plan, rows, arrival.at, request.max_forwards, arrival.session_id)
        leg = IncomingLeg(board, call, call_id, trace, dialog, transaction, request)
        call.caller = leg
        call.source = (str(transaction.flow), transaction.flow.door.transport, request.call_id, request.first("User-Agent"))
        trunk = plan.trunk
        if trunk.call_id_header and plan.direction == "outbound":
            leg.call_id_line = f"{trunk.call_id_header}: {call_id}\r\n"
        if plan.distrust:
            leg.call_id_line = f"Reason: {plan.distrust}\r\n"  # RFC 9410: the call goes on, its signature was not believed
        leg.session_expires_s = trunk.session_expires_s
        granted = leg.serve_session(request, now)
        board.calls[call_id] = call
        board.legs[dialog.local_tag] = leg
        call.seen = arrival.seen
        board.sessions.add(arrival.seen)
        board.decided(plan, now)
        if isinstance(granted, int):
            call.refuse_session(granted, now)
            return
        leg.ok_extra = granted
        call.begin(now)

    def _turn_away(self, transaction: ServerInvite, refusal: Refusal, tag: str, now: float) -> None:
        """Refuse before anybody is known: no record, the generic answer."""
        answer = told("generic", refusal.result)
        transaction.respond(answer.status, answer.phrase, tag, now, told_lines(answer, refusal))

    def _refused(self, arrival: Arrival, verdict: Refused, now: float) -> None:
        board, refusal, trunk = self.board, verdict.refusal, verdict.trunk
        if trunk is None and arrival.postponed is not None:  # it was known when the call began to wait
            trunk = arrival.postponed.trunk
            verdict = Refused(refusal, trunk, arrival.postponed.called, verdict.alarm, number=arrival.postponed.number)
        answer = told(trunk.profile if trunk is not None else "generic", refusal.result)
        arrival.transaction.respond(answer.status, answer.phrase, arrival.tag, now, told_lines(answer, refusal, verdict.text))
        if verdict.alarm:
            board.alarm(refusal.code, trunk.name if trunk else str(arrival.transaction.flow), refusal.text, now)
        if trunk is None:
            return
        if verdict.decision is not None:
            board.emit(verdict.decision, now)
        board.emit(refused_fact(board, arrival, verdict, answer.status, answer.cause, "trunkline", now), now)


def session_of(request: Request) -> str:
    """The caller's half of Session-ID (RFC 7989); empty when there is none worth keeping."""
    values = request.fields.get("Session-ID")
    if values is None:
        return ""
    identifier = values[0].partition(";")[0].strip()
    return identifier if len(identifier) == 32 and identifier.isalnum() and identifier.strip("0") else ""
