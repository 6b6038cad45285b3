"""A dialer and a carrier that talk to each other over sockets, and a bank that hears every call of the dialer."""

import asyncio
import time
from collections import defaultdict

import msgspec
import numpy as np
from tests.lab.unhurried import run

from trunkline.lab.carrier import Carrier
from trunkline.lab.dialer import Dialer
from trunkline.lab.lines import Lines
from trunkline.lab.run import free_port, open_carrier, open_dialer
from trunkline.lab.scenario import CarrierBehaviour, DialerBehaviour
from trunkline.listen import FRAME, TICK_S, Bank, Hearing
from trunkline.listen.answers import Answers
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones

QUICK = CarrierBehaviour(setup_ms=(20, 40), ring_s=(0.1, 0.2), answer_share=1.0, hangs_up_share=0.0)


TONES = ("ringback", "busy", "congestion", "unobtainable", "dial", "sit", "fax", "cng", "beep")


def tones(heard: list[Hearing]) -> list[str]:
    """Kind and code of every tone among what was heard, each once, in order."""
    return list(dict.fromkeys(f"{hearing.kind} {hearing.code}".strip() for hearing in heard if hearing.kind in TONES))


class Played:
    """What came of it."""

    def __init__(self, carrier: Carrier, dialer: Dialer) -> None:
        self.carrier = carrier
        self.dialer = dialer
        self.heard: dict[int, list[Hearing]] = defaultdict(list)
        "Hearings by the order of the calls."
        self.rows: dict[str, int] = {}
        "By Call-ID, which dialer and carrier share."
        self.first: dict[int, tuple[float, int]] = {}
        self.last: dict[int, tuple[float, int]] = {}
        "Per call: when, and how many packets had come in by then; from the first that came to the last tick of the call."
        self.cpu_s = self.lasted_s = 0.0
        "Processor time, and time on the loop's own clock."
        self.left_open = 0
        self.most_open = 0

    def tones(self, call_id: str) -> list[str]:
        """Kind and code of every tone that was heard on the call."""
        return tones(self.heard[self.rows[call_id]])


async def _play(behaviour: CarrierBehaviour, dials: DialerBehaviour, listens: bool) -> Played:
    lines = Lines(9)
    port = free_port()
    carrier, far = await open_carrier("carrier", behaviour, port, 1, lines)
    dialer, near = await open_dialer(dials, ("127.0.0.1", port), 2, lines)
    played = Played(carrier, dialer)
    bank = Bank(dials.calls, [Tones(dials.calls), Quiet(dials.calls), Answers(dials.calls)])
    frames, present = np.zeros((dials.calls, FRAME), np.int16), np.zeros(dials.calls, np.bool_)

    def listen(now: float) -> None:
        played.most_open = max(played.most_open, len(lines.open_lines))
        present[:] = False
        for leg in dialer.legs.values():
            line = leg.line
            assert line is not None
            row = played.rows.get(leg.dialog.call_id)
            if row is None:
                row = played.rows[leg.dialog.call_id] = len(played.rows)
                bank.open(row)
            if leg.up:
                # The 200 came before the first frame that followed it, and an edge may be measured a little early.
                bank.answer(row, now - 2 * TICK_S)
            if line.received:
                played.first.setdefault(row, (now, line.received))
                played.last[row] = (now, line.received)
            frame = line.take()
            if frame is not None:
                frames[row], present[row] = line.law.decode_bytes(frame), True
        if listens:
            for hearing in bank.push(frames, present, now):
                played.heard[hearing.row].append(hearing)

    lines.listener = listen
    loop = asyncio.get_running_loop()
    cpu, began = time.process_time(), loop.time()
    dialer.start(near.now())
    near.turn(near.now())
    try:
        async with asyncio.timeout(60):
            while not dialer.done or carrier.calls:
                await asyncio.sleep(0.05)
        played.cpu_s, played.lasted_s = time.process_time() - cpu, loop.time() - began
        played.left_open = len(lines.open_lines)
    finally:
        await near.close()
        await far.close()
        lines.close()
    return played


def play(behaviour: CarrierBehaviour, calls: int, talk_s: float, rate: float = 100.0, listens: bool = True, ring_limit_s: float = 12.0) -> Played:
    """Place `calls` calls that last up to `talk_s` after the answer, over loopback, and hear them."""
    dials = DialerBehaviour(calls=calls, rate=rate, talk_limit_s=talk_s, ring_limit_s=ring_limit_s)
    played: Played = run(_play(behaviour, dials, listens))
    return played


def talking(**changes: object) -> CarrierBehaviour:
    """A quick carrier that answers every call, changed as said."""
    return msgspec.structs.replace(QUICK, **changes)
