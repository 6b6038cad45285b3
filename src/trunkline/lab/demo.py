"""The demo: a node, three carriers and a dialer, and what became of the calls."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trunkline.facts.record import Attempt, Call, Ladder
from trunkline.lab.carrier import Carrier
from trunkline.lab.dialer import Dialer
from trunkline.lab.lines import Lines, allow_files
from trunkline.lab.run import free_port, open_carrier, open_dialer
from trunkline.lab.scenario import Scenario
from trunkline.records import Reading

SETTLE_S = 3.0
"After the last call: ladders close, the failing carrier's silent attempts are cancelled."


class DemoError(Exception):
    """The demo did not come out as it should."""


def write_node(folder: Path, scenario: Scenario, trunk_port: int, ports: dict[str, int], strategy: str = "percentage") -> Path:
    """Settings and policy of the demo's node; by `percentage` a third of the calls begins at each carrier, so that failover can be seen."""
    settings = folder / "trunkline.toml"
    media = '\n[media]\nengine = "relay"\n' if scenario.talks else ""
    settings.write_text(
        f'[node]\nname = "demo"\ndata = "data"\npolicy = "policy.yaml"\nshed_at_ms = 5000\n\n[[listen]]\nfor = "trunks"\ntransport = "udp"\n'
        f'address = "127.0.0.1:{trunk_port}"\n\n[[listen]]\nfor = "carriers"\ntransport = "udp"\naddress = "127.0.0.1:{free_port()}"\n{media}'
    )
    carriers = "".join(
        f'  {name}:\n    gateways:\n      pop: {{host: "127.0.0.1:{port}"}}\n    defaults:\n      timers: {{no_response: 1s, no_progress: 5s}}\n'
        for name, port in ports.items()
    )
    names = list(ports)
    share = 100 / len(names)
    routes = ", ".join(f"{{to: {name}, share: {share:.4f}}}" for name in names)
    (folder / "policy.yaml").write_text(
        "tenants:\n  demo: {}\n\ntrunks:\n  dialer:\n    tenant: demo\n    addresses: [127.0.0.1]\n    profile: vicidial\n    channels: 2000\n"
        f"{'    listen: {mode: observe}' if scenario.talks else ''}\n"
        '    metadata: {campaign: "header:X-Campaign", lead: "header:X-Lead"}\n'
        f"\ncarriers:\n{carriers}\ndestinations:\n  everywhere:\n    prefixes: [\"\"]\n    strategy: {strategy}\n    routes: [{routes}]\n"
    )
    return settings


class Demo:
    """One run, with everything a view or a summary wants to know."""

    def __init__(self, folder: Path, scenario: Scenario, strategy: str = "percentage") -> None:
        self.strategy = strategy
        self.folder = folder
        self.scenario = scenario
        self.carriers: list[Carrier] = []
        self.dialer: Dialer | None = None
        self.trunk_port = free_port()

    async def run(self, show: Callable[["Demo"], None], keep: bool) -> None:
        """Start everything, place the calls, stop everything. Raises DemoError."""
        ports = {name: free_port() for name in self.scenario.carriers}
        settings = write_node(self.folder, self.scenario, self.trunk_port, ports, self.strategy)
        networks = []
        lines = None
        if self.scenario.talks:
            allow_files()
            lines = Lines(self.scenario.seed + 2000)
        for i, (name, behaviour) in enumerate(self.scenario.carriers.items()):
            carrier, network = await open_carrier(name, behaviour, ports[name], self.scenario.seed + 10 * i, lines)
            self.carriers.append(carrier)
            networks.append(network)
        node = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "trunkline", "serve", "--settings", str(settings), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            await self._until_serving(node)
            self.dialer, network = await open_dialer(self.scenario.dialer, ("127.0.0.1", self.trunk_port), self.scenario.seed + 1000, lines)
            networks.append(network)
            self.dialer.start(network.now())
            network.turn(network.now())
            while not self.dialer.done:
                if node.returncode is not None:
                    raise DemoError(f"the node ended with exit code {node.returncode}")
                show(self)
                await asyncio.sleep(0.1)
            await asyncio.sleep(SETTLE_S)
            show(self)
            if keep:
                print(f"\nLeft running; look with `trunkline calls --data {self.folder / 'data'}`. Ctrl-C ends it.", flush=True)
                await asyncio.Event().wait()
        finally:
            if node.returncode is None:
                node.send_signal(signal.SIGTERM)
                await asyncio.wait_for(node.wait(), 10)
            for network in networks:
                await network.close()
            if lines is not None:
                lines.close()

    @property
    def failed_over(self) -> int:
        """INVITEs that carriers got beyond one for each call placed, so far."""
        placed = self.dialer.placed if self.dialer is not None else 0
        return max(0, sum(carrier.counts["invites"] for carrier in self.carriers) - placed)

    async def _until_serving(self, node: asyncio.subprocess.Process) -> None:
        """The node prints its doors when it serves."""
        assert node.stdout is not None
        said = b""
        try:
            async with asyncio.timeout(20):
                while b"carriers-udp" not in said:
                    line = await node.stdout.readline()
                    if not line:
                        raise DemoError(f"the node did not start:\n{said.decode()}")
                    said += line
        except TimeoutError as error:
            raise DemoError(f"the node did not start in 20 s:\n{said.decode()}") from error

    def summary(self) -> dict[str, Any]:
        """What the records say, per carrier, and two ladders. Raises DemoError when they do not add up."""
        assert self.dialer is not None
        reading = Reading(self.folder / "data" / "journal")
        calls: dict[str, Call] = {}
        attempts: list[Attempt] = []
        ladders: dict[str, Ladder] = {}
        for fact in reading:
            if isinstance(fact, Call):
                calls[fact.call] = fact
            elif isinstance(fact, Attempt):
                attempts.append(fact)
            elif isinstance(fact, Ladder):
                ladders[fact.call] = fact
        rows: dict[str, dict[str, Any]] = {}
        for name in self.scenario.carriers:
            own = [attempt for attempt in attempts if attempt.carrier == name]
            answered = [attempt for attempt in own if attempt.answer_ms is not None]
            delays = [attempt.alerting_ms for attempt in own if attempt.alerting_ms is not None]
            rows[name] = {
                "attempts": len(own), "answered": len(answered), "asr": len(answered) / len(own) if own else 0.0,
                "routed_on": sum(attempt.next == "next" for attempt in own), "pdd_ms": sum(delays) / len(delays) if delays else None,
                "outcomes": dict(Counter(attempt.evidence for attempt in own).most_common(4)),
            }  # fmt: skip
        for carrier in self.carriers:
            if carrier.open_line is not None:
                own = [attempt for attempt in attempts if attempt.carrier == carrier.name]
                rows[carrier.name] |= {"played": played(carrier), **listened(own, carrier)}
        told = self.dialer.told
        answered_calls = sum(call.status == 200 for call in calls.values())
        ghosts = sum(count for name, count in self.dialer.counts.items() if name.startswith("bye "))
        shed = self.dialer.counts["shed"]  # refused before anybody is known: such calls have no record
        if len(calls) != self.dialer.placed - shed or answered_calls != told[200] or any(carrier.calls for carrier in self.carriers) or ghosts:
            raise DemoError(
                f"the books do not balance: {self.dialer.placed} calls placed, {shed} turned away and {told[200]} answered at the dialer, {len(calls)} and "
                f"{answered_calls} recorded, {sum(len(carrier.calls) for carrier in self.carriers)} calls left up at carriers, "
                f"{ghosts} BYEs of the dialer refused or unanswered"
            )
        drawn = sorted((call for call in calls.values() if call.call in ladders), key=lambda call: call.status != 200)
        plain = next((call for call in drawn if call.attempts == 1), None)
        moved = next((call for call in drawn if call.attempts > 1), None)
        audio = {"audio": dict(self.dialer.audio)} if self.dialer.audio else {}
        return {
            "calls": len(calls), "shed": shed, "answered": answered_calls, "failed_over": sum(call.attempts > 1 for call in calls.values()),
            "saved_by_failover": sum(call.attempts > 1 and call.status == 200 for call in calls.values()),
            "told": {str(status): count for status, count in sorted(told.items())}, "carriers": rows, **audio,
            "ladders": [ladders[call.call] for call in (plain, moved) if call is not None],
        }  # fmt: skip


def listened(attempts: list[Attempt], carrier: Carrier) -> dict[str, Any]:
    """What the node heard of a carrier's answers: the honest answer rate, and what each kind that was played was taken for."""
    answered = [attempt for attempt in attempts if attempt.answer_ms is not None]
    confusion: dict[str, Counter[str]] = {}
    for attempt in answered:
        truth = carrier.truths.of(attempt.carrier_call_id)
        if truth is not None:
            kind = f"false-{truth.callee}" if truth.false_answer else truth.callee
            confusion.setdefault(kind, Counter())[attempt.heard or "not decided"] += 1
    humans = sum(attempt.heard == "human" for attempt in answered)
    return {
        "heard": dict(Counter(attempt.heard or "not decided" for attempt in answered).most_common()),
        "honest_rate": humans / len(attempts) if attempts else 0.0,
        "heard_as": {kind: dict(counts.most_common()) for kind, counts in sorted(confusion.items())},
    }  # fmt: skip


def played(carrier: Carrier) -> dict[str, Any]:
    """What a carrier that talks did: kinds played early and after the answer, false answers, and humans per attempt (the honest answer rate)."""
    humans = sum(truth.human for truth in carrier.truths)
    return {
        "early": dict(carrier.truths.early().most_common()), "answered": dict(carrier.truths.answered().most_common()),
        "false_answers": sum(truth.false_answer for truth in carrier.truths),
        "human_rate": humans / carrier.counts["invites"] if carrier.counts["invites"] else 0.0,
    }  # fmt: skip
