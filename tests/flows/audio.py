"""The audio of a flow on the virtual clock: the real relay and studio, with nobody behind their links but this.

Workers come up and lease ports at once. What a call asks of them is kept for `media:` lines; `heard:` lines say what the studio's would.
"""

from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import mkdtemp

import msgspec

from trunkline.listen import Hearing, Kind, Phase
from trunkline.media import Block, MediaTimeout, Play, SendDigits, Stop
from trunkline.media.leases import Lease, Leased
from trunkline.media.messages import WorkerUp
from trunkline.media.relay import Interface, Relay, RelaySettings
from trunkline.media.relay import protocol as relaying
from trunkline.node.core import Core
from trunkline.studio import Heard, Recorded, Studio, StudioSettings
from trunkline.studio import protocol as listening

WORKER = (0).to_bytes(2)
SHOWN = (Block, Play, SendDigits, Stop, listening.Record, listening.Pause, listening.Finish)


class Audio:
    """Relay, studio and their only worker each."""

    def __init__(self) -> None:
        self.relay = Relay(RelaySettings((Interface("local", "10.0.0.254"),), 20_000, 21_000))
        self.studio = Studio(StudioSettings())
        self.asked: list[object] = []
        "What was asked of the workers and no line has matched yet."
        self.listened: dict[tuple[str, int], float] = {}
        "When listening to a leg began."
        self.relay.receive_data(WORKER + relaying.encode(WorkerUp()), 0.0)
        self.studio.receive_data(WORKER + listening.encode(WorkerUp()), 0.0)
        self.folder = Path(mkdtemp())
        "Holds what is kept of the flow's calls; whoever made this removes it."
        self._ports = 20_000
        self.settle(0.0)

    def settle(self, now: float) -> None:
        """Serve what was asked for."""
        for engine, speech in ((self.relay, relaying), (self.studio, listening)):
            while (data := engine.data_to_send()) is not None:
                message = speech.decode(data[2:])
                if isinstance(message, Lease):
                    ports = tuple(range(self._ports, self._ports + 2 * message.count, 2))
                    self._ports += 2 * message.count
                    engine.receive_data(WORKER + speech.encode(Leased(message.address, ports)), now)
                elif isinstance(message, listening.Open):
                    self.listened.setdefault((message.call, message.leg), now)
                elif isinstance(message, listening.Forget):
                    self.listened = {key: at for key, at in self.listened.items() if key[0] != message.call or message.leg not in (-1, key[1])}
                elif isinstance(message, SHOWN):
                    self.asked.append(message)

    def hear(self, core: Core, fields: dict[str, str], now: float, line: int) -> None:
        """Somebody is heard on a leg of the last call: `kind`, `leg`, and what else there is to say of it."""
        call = [call for call in core.board.calls.values() if not call.ended][-1]
        leg = int(fields.pop("leg", "1"))
        assert (call.id, leg) in self.listened, f"line {line}: nobody listens to leg {leg}"
        since = now - self.listened[call.id, leg]
        began_s = float(fields.pop("began", since))
        answered = leg == 0 or (call.attempt is not None and call.attempt.answer_at > 0)
        hearing = Hearing(
            leg, Kind(fields.pop("kind")), began_s, float(fields.pop("ended")) if "ended" in fields else None, since, code=fields.pop("code", ""),
            phase=Phase(fields.pop("phase", "answered" if answered else "early")),
            features={name: float(value) for name, value in fields.items()},
        )  # fmt: skip
        self.studio.receive_data(WORKER + listening.encode(Heard(call.id, leg, hearing)), now)

    def silent(self, core: Core, fields: dict[str, str], now: float) -> None:
        """Nothing has come from a leg of the last call for longer than the relay bears."""
        call = [call for call in core.board.calls.values() if not call.ended][-1]
        self.relay.receive_data(WORKER + relaying.encode(MediaTimeout(call.id, int(fields["leg"]), 30.0)), now)

    def recorded(self, fields: dict[str, str], now: float) -> None:
        """The disk has a file complete: the one last begun."""
        record = [message for message in self.asked if isinstance(message, listening.Record)][-1]
        self.studio.receive_data(WORKER + listening.encode(Recorded(record.call, record.file, float(fields.get("seconds", "1")), 100)), now)

    def expect(self, kind: str, fields: dict[str, str], line: int) -> None:
        """The next thing asked of a worker of that kind has these fields."""
        for i, message in enumerate(self.asked):
            if type(message).__name__ == kind:
                values = msgspec.to_builtins(message)
                for name, value in fields.items():
                    assert fnmatchcase(str(values[name]), value), f"line {line}: {name} is {values[name]!r}, expected {value}: {message}"
                if not isinstance(message, listening.Record):
                    del self.asked[i]
                return
        raise AssertionError(f"line {line}: no {kind} was asked for, only {self.asked}")
