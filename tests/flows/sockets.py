"""The stage with a wire: a served node, and every actor on a UDP socket of its own.

Flows name addresses of 10/8; here each becomes a loopback address of its own, in flow and policy alike. Time is real and a tenth as long:
T1, T2, T4, the `[+2 s]` of the flow and the seconds that headers name are all divided by `PACE`, and so are the policy's timers where the
flow waits for them. After each message said, the node is asked for its status: it answers once it has worked off everything that came
before, so what it sent is on the actors' sockets by then and what it did not send will not come. Datagrams may overtake one another even
here, when a process changes its processor: what the node sends between two stimuli has to be what is written, in whatever order.
"""

import asyncio
import re
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tests.counterparts.phones import loopback
from tests.counterparts.serving import ServedNode
from trunkline.facts.record import Fact
from trunkline.policy.carriers import Timers
from trunkline.sip.flow import Door

from .actor import Actor
from .play import CARRIERS, HOSTS, POLICIES, SECRET, TRUNKS, Play
from .script import Flow as Script
from .script import Step, Wait

PACE = 10
"How much faster than written a flow is played."

DEADLINE_S = 20.0
"How long a line is waited for: glare alone may take 4 s (RFC 3261 section 14.1), and it knows no pace."

CLEAN_S = 64 * 0.5 / PACE + DEADLINE_S
"64 x T1, and what a busy machine may add."

SIP = f"""[sip]
t1_ms = {500 // PACE}
t2_ms = {4000 // PACE}
t4_ms = {5000 // PACE}
min_session_expires_s = {90 // PACE}
"""


class SocketStage(Play):
    """Use it as a context manager: the node runs inside."""

    in_order = False

    def __init__(self, script: Script, folder: Path) -> None:
        self.places = {address: loopback() for address in (*HOSTS.values(), TRUNKS, CARRIERS)}
        super().__init__(self._placed(script))
        self.trunks, self.carriers = (Door(name, "udp", self.places[at], 5060) for name, at in (("trunks", TRUNKS), ("carriers", CARRIERS)))
        doors = [(door.name, "udp", door.sent_by) for door in (self.trunks, self.carriers)]
        self.node = ServedNode(folder, self._policy(), doors, SIP)
        self.sockets: dict[socket.socket, str] = {}
        "The actors' sockets, and whose each is."
        self._awaited, self._until = 0, 0.0
        "The line that is being waited for, and until when (monotonic seconds)."

    def __enter__(self) -> "SocketStage":
        asyncio.run(self.node.start(SECRET=SECRET))
        for name in HOSTS:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sockets[sock] = name
            sock.setblocking(False)
            sock.bind((self.host(name), 5060))
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for sock in self.sockets:
            sock.close()
        asyncio.run(self.node.__aexit__(kind, error, trace))

    # From the page to the loopback.

    def _placed(self, script: Script) -> Script:
        """The flow, with addresses and seconds as they are here."""

        def placed(text: str) -> str:
            text = self._readdressed(text)
            return re.sub(r"^(Session-Expires|Min-SE): (\d+)", lambda found: f"{found[1]}: {int(found[2]) // PACE}", text)

        steps = [
            Step(step.line, step.who, step.whom, self._readdressed(step.what), [placed(detail) for detail in step.details]) if isinstance(step, Step) else step
            for step in script.steps
        ]
        return msgspec.structs.replace(script, steps=steps)

    def _readdressed(self, text: str) -> str:
        return re.sub(r"\b10\.\d+\.\d+\.\d+\b", lambda found: self.places[found[0]], text)

    def _policy(self) -> str:
        """A flow that never waits keeps the shipped timers, which a busy machine does not reach by accident."""
        policy: dict[str, Any] = yaml.safe_load(self._readdressed((POLICIES / self.script.policy).read_text()))
        if any(isinstance(step, Wait) for step in self.script.steps):
            timers = {name: f"{round(1000 * seconds / PACE)}ms" for name, seconds in Timers().model_dump().items()}
            timers["no_answer"] = "15s"  # the least a policy may say; no flow waits for it
            for carrier in policy["carriers"].values():
                carrier["defaults"] = {"timers": timers}
        return yaml.safe_dump(policy)

    # What a stage is.

    def door(self, name: str) -> Door:
        return self.carriers if name.startswith(("carrier", "target")) else self.trunks

    def host(self, name: str) -> str:
        return self.places[HOSTS[name]]

    def send(self, actor: Actor, data: bytes) -> None:
        name = actor.name.partition("/")[0]
        sock = next(sock for sock, whose in self.sockets.items() if whose == name)
        sock.sendto(data, (actor.flow.door.host, actor.flow.door.port))
        self.node.ask("status")
        self._collect()

    def advance(self, seconds: float) -> None:
        until = time.monotonic() + seconds / PACE
        while (left := until - time.monotonic()) > 0:
            select.select(list(self.sockets), [], [], left)
            self._collect()

    def hear_more(self) -> bool:
        if self._awaited != self.line:
            self._awaited, self._until = self.line, time.monotonic() + DEADLINE_S
        if time.monotonic() > self._until:
            return False
        select.select(list(self.sockets), [], [], 0.02)
        self._collect()
        return True

    def facts(self) -> Sequence[Fact]:
        return self.node.facts()

    def _collect(self) -> None:
        """Everything that has arrived."""
        while ready := select.select(list(self.sockets), [], [], 0)[0]:
            for sock in ready:
                self.hear(sock.recv(65_536), self.sockets[sock])

    def check_clean(self) -> None:
        until = time.monotonic() + CLEAN_S
        while not self.node.is_clean():
            assert time.monotonic() < until, f"something is left after {CLEAN_S} s: {self.node.ask('status')}"
            select.select(list(self.sockets), [], [], 0.02)
            self._collect()
