"""Reliable provisional responses, the serving side (RFC 3262 section 3).

Each is repeated until its PRACK; the next waits for that PRACK, and so does the 200 when the unacknowledged one carried SDP.
"""

from collections.abc import Callable
from typing import Final

from trunkline.sip.fault import Fault
from trunkline.sip.headers.rack import parse_rack
from trunkline.sip.message import Request
from trunkline.sip.timers import Timers
from trunkline.sip.transactions import ServerInvite, TimerSettings

RESEND: Final = 1


class ReliableProvisionals:
    """What one INVITE we serve has outstanding."""

    __slots__ = ("_deadline", "_failed", "_interval", "_outstanding", "_rseq", "_settings", "_timers", "_transaction", "_waiting", "generation")

    def __init__(self, transaction: ServerInvite, first: int, timers: Timers, settings: TimerSettings, failed: Callable[[float], None]) -> None:
        """`first` is the first RSeq, random below 2**31; `failed` is called when no PRACK ever comes."""
        self._transaction: ServerInvite | None = transaction
        self._rseq = first
        self._timers = timers
        self._settings = settings
        self._failed: Callable[[float], None] | None = failed
        self._outstanding = b""
        self._interval = self._deadline = 0.0
        self._waiting: list[Callable[[float], None]] = []
        self.generation = 0

    def send(self, status: int, phrase: str, tag: str, extra: str, body: bytes, now: float) -> None:
        """Send a provisional response reliably, now or when the one before is acknowledged."""
        if self._outstanding:
            self._waiting.append(lambda later: self.send(status, phrase, tag, extra, body, later))
            return
        transaction = self._transaction
        if transaction is None:
            return
        transaction.respond(status, phrase, tag, now, f"Require: 100rel\r\nRSeq: {self._rseq}\r\n{extra}", body)
        self._outstanding = transaction.last
        self._interval = self._settings.t1
        self._deadline = now + self._settings.give_up
        self._timers.at(now + self._interval, self, RESEND)

    def after(self, action: Callable[[float], None], now: float) -> None:
        """Run `action` once nothing is outstanding."""
        if self._outstanding:
            self._waiting.append(action)
        else:
            action(now)

    def acknowledge(self, prack: Request, now: float) -> Fault | None:
        """Take a PRACK; a Fault (481) when it matches nothing outstanding."""
        transaction = self._transaction
        rack = parse_rack(prack.first("RAck"))
        if isinstance(rack, Fault):
            return rack
        if not self._outstanding or transaction is None or transaction.reply is None or rack.response != self._rseq or f"{rack.cseq} {rack.method}" != transaction.reply.cseq:
            return Fault("No Such Provisional Response", "RAck", 481)
        self._outstanding = b""
        self._rseq += 1
        self.generation += 1
        return None

    def resume(self, now: float) -> None:
        """Send what waited for that PRACK, once the PRACK itself is answered."""
        waiting, self._waiting = self._waiting, []
        for i, action in enumerate(waiting):
            action(now)
            if self._outstanding:
                self._waiting.extend(waiting[i + 1 :])
                break

    def stop(self) -> None:
        self.generation += 1
        self._transaction = self._failed = None
        self._waiting.clear()

    def on_timer(self, what: int, now: float) -> None:
        transaction = self._transaction
        if transaction is None or transaction.reply is None:
            return
        if now >= self._deadline:
            failed = self._failed
            self.stop()
            if failed is not None:
                failed(now)
            return
        transaction.host.send(transaction.flow, self._outstanding)
        self._interval *= 2
        self._timers.at(min(now + self._interval, self._deadline), self, RESEND)
