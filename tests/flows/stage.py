"""The stage without a wire: the sans-IO node, on a virtual clock."""

from collections.abc import Sequence
from random import Random
from shutil import rmtree
from typing import Any

from trunkline.calls.masking import mask
from trunkline.calls.settings import SwitchboardSettings
from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.flow import Door

from .actor import Actor
from .audio import Audio
from .play import CARRIERS, HOSTS, POLICIES, SECRET, TRUNKS, Play
from .script import Flow as Script
from .script import Sound

SETTLE_S = 45.0
"Longer than 64 x T1 and every lingering state."


class Stage(Play):
    def __init__(self, script: Script) -> None:
        super().__init__(script)
        policy = load_policy((POLICIES / script.policy).read_text(), environment={"SECRET": SECRET}, base=POLICIES)
        assert isinstance(policy, Snapshot), policy
        self.trunks, self.carriers = Door("trunks", "udp", TRUNKS, 5060), Door("carriers", "udp", CARRIERS, 5060)
        self.now = 1000.0
        self.emitted: list[Fact] = []
        self.audio = Audio() if script.audio else None
        engines: dict[str, Any] = {"media": self.audio.relay, "studio": self.audio.studio} if self.audio is not None else {}
        if self.audio is not None:
            engines["settings"] = SwitchboardSettings(recordings=str(self.audio.folder / "recordings"))
        self.core = Core(policy, StaticPlaces({"udp": self.carriers}), self.emitted.append, Clock(0.0, 0), Random(4), key=b"k" * 32, **engines)
        self.core.registrar.doors = {"trunks": self.trunks, "carriers": self.carriers}
        self.names = {host: name for name, host in HOSTS.items()}

    def play(self) -> None:
        try:
            super().play()
        finally:
            if self.audio is not None:
                rmtree(self.audio.folder)

    def door(self, name: str) -> Door:
        return self.carriers if name.startswith(("carrier", "target")) else self.trunks

    def host(self, name: str) -> str:
        return HOSTS[name]

    def send(self, actor: Actor, data: bytes) -> None:
        self.core.receive(data, actor.flow, self.now)
        self._collect()

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.core.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
            self._collect()
        self.now = until

    def hear_more(self) -> bool:
        return False  # time stands still until the flow says otherwise

    def sound(self, step: Sound) -> None:
        audio = self.audio
        if audio is None:
            super().sound(step)
        elif step.what == "media":
            audio.expect(step.kind, step.fields, step.line)
        else:
            if step.what == "silent":
                audio.silent(self.core, step.fields, self.now)
            elif step.what.endswith("masked"):
                mask([call for call in self.core.board.calls.values() if not call.ended][-1], step.kind, step.what == "masked", self.now)
            elif step.what == "heard":
                audio.hear(self.core, {"kind": step.kind, **step.fields}, self.now, step.line)
            else:
                audio.recorded(step.fields, self.now)
            self._collect()

    def facts(self) -> Sequence[Fact]:
        return self.emitted

    def _collect(self) -> None:
        if self.audio is not None:
            self.core.board.handle_media(self.now)
            self.core.board.handle_studio(self.now)
            self.audio.settle(self.now)
        for flow, data in self.core.datagrams_to_send():
            self.hear(data, self.names[flow.address[0]])

    def check_clean(self) -> None:
        self.advance(SETTLE_S)
        board = self.core.board
        assert not board.legs, board.legs
        assert not board.calls, {call.id: call.state for call in board.calls.values()}
        assert not self.core.limits.used, self.core.limits.used
        assert not self.core.endpoint.open_transactions(), self.core.endpoint.open_transactions()
        assert not board.sessions
        self.advance(SETTLE_S)
        assert not self.core.endpoint.timers.pending()
