"""Playing a flow on the sans-IO node, on a virtual clock."""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

import msgspec

from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Attempt, Call, Fact
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Request, Response, parse

from .actor import Actor
from .script import Anything, Record, Step, Wait
from .script import Flow as Script

POLICIES = Path(__file__).parent / "policies"
ADDRESSES = {
    "dialer": ("10.0.0.1", 5060), "dialer-2": ("10.0.0.2", 5060), "phone": ("10.0.0.3", 5060), "office": ("10.0.0.4", 5060),
    "stranger": ("10.9.9.9", 5060), "carrier-a": ("10.1.0.1", 5060), "carrier-b": ("10.1.0.2", 5060), "carrier-c": ("10.1.0.3", 5060),
    "target": ("10.1.0.9", 5060),
}  # fmt: skip
SETTLE_S = 45.0
"Longer than 64 x T1 and every lingering state."


class Stage:
    def __init__(self, script: Script) -> None:
        self.script = script
        policy = load_policy((POLICIES / script.policy).read_text(), environment={"SECRET": "correct-horse-battery-7"})
        assert isinstance(policy, Snapshot), policy
        self.trunks, self.carriers = Door("trunks", "udp", "10.0.0.254", 5060), Door("carriers", "udp", "10.1.0.254", 5060)
        self.now = 1000.0
        self.facts: list[Fact] = []
        self.core = Core(policy, StaticPlaces({"udp": self.carriers}), self.facts.append, Clock(0.0, 0), Random(4), key=b"k" * 32)
        self.core.registrar.doors = {"trunks": self.trunks, "carriers": self.carriers}
        self.actors: dict[str, Actor] = {}
        self.heard: list[tuple[str, Request | Response]] = []
        "What the node sent and no line has matched yet, with the actor it went to."
        self.repeats: list[Request | Response] = []
        "Messages heard that are the same bytes as one before: retransmissions."
        self.said: set[bytes] = set()
        self.line = 0

    def play(self) -> None:
        anything = False
        for step in self.script.steps:
            if isinstance(step, Anything):
                anything = True
                continue
            if isinstance(step, Wait):
                self.advance(step.seconds)
            elif isinstance(step, Record):
                self.line = step.line
                self._check_record(step)
            elif step.who == "trunkline":
                self.line = step.line
                self._expect(step, anything)
            else:
                self.line = step.line
                self._stimulate(step)
                continue
            anything = False
        left = [f"{whom}: {message!r}" for whom, message in self.heard if not self.may_be_left_out(message)]
        assert anything or not left, f"after the last line the node also sent {left}"
        self._check_clean()

    # Time and messages.

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.core.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
            self._collect()
        self.now = until

    def actor(self, name: str) -> Actor:
        known = self.actors.get(name)
        if known is None:
            address = ADDRESSES[name.partition("/")[0]]
            door = self.carriers if name.startswith(("carrier", "target")) else self.trunks
            known = self.actors[name] = Actor(name, Flow(door, address), len(self.actors) + 1)
        return known

    def _stimulate(self, step: Step) -> None:
        assert not [message for _, message in self.heard if not self.may_be_left_out(message)] or step.what == "again", (
            f"line {step.line}: unexpected before this: {self.heard}"
        )
        actor = self.actor(step.who)
        details = [self._filled(detail, actor) for detail in step.details]
        data = actor.say(self._filled(step.what, actor), details, actor.flow.door.sent_by)
        self.core.receive(data, actor.flow, self.now)
        self._collect()

    def _filled(self, text: str, actor: Actor) -> str:
        """`{digest NAME PASSWORD}` answers the last challenge; `{replaces NAME}` names another call of an actor."""
        found = re.search(r"\{digest (\S+) (\S+)\}", text)
        if found is not None:
            from trunkline.sip.digest import answer_challenge

            method = "REGISTER" if "REGISTER" in actor.responses else "INVITE"
            challenge = actor.responses[method].fields["WWW-Authenticate"]
            uri = re.match(rb"\S+ (\S+)", actor.sent[method])[1].decode()  # type: ignore[index]
            answer = answer_challenge(challenge, found[1], found[2], method, uri, b"", "c0ffee", 1)
            assert not isinstance(answer, Fault), answer
            text = text.replace(found[0], answer)
        found = re.search(r"\{replaces (\S+)\}", text)
        if found is not None:
            other = self.actors[found[1]]
            remote_tag = other.remote.rpartition(";tag=")[2]
            text = text.replace(found[0], f"{other.call_id.replace('/', '%2F')}%3Bto-tag%3D{remote_tag}%3Bfrom-tag%3D{other.tag.replace('/', '%2F')}")
        return text

    def _collect(self) -> None:
        for flow, data in self.core.datagrams_to_send():
            message = parse(data)
            assert not isinstance(message, Fault), (message, data)
            assert message.fault is None, (message.fault, data)
            base = next((name for name, address in ADDRESSES.items() if address == flow.address), str(flow))
            name = next((n for n, a in self.actors.items() if a.call_id == message.call_id and a.flow.address == flow.address), base)
            self.actor(name).hear(message)
            if data in self.said:
                self.repeats.append(message)
            self.said.add(data)
            self.heard.append((name, message))

    # Expectations.

    def _expect(self, step: Step, anything: bool) -> None:
        for i, (whom, message) in enumerate(self.heard):
            if whom == step.whom and self._is(message, step.what):
                for detail in step.details:
                    check_detail(message, detail, step.line)
                del self.heard[0 if anything else i : i + 1]
                return
            if not anything and not self.may_be_left_out(message):
                raise AssertionError(f"line {step.line}: expected {step.what} to {step.whom}, got {message!r} to {whom}")
        raise AssertionError(f"line {step.line}: expected {step.what} to {step.whom}, got nothing more of {self.heard}")

    def may_be_left_out(self, message: Request | Response) -> bool:
        """What need not be written: 100 Trying, the ACK of a refusal, retransmissions."""
        return implicit(message) or any(message is repeat for repeat in self.repeats)

    @staticmethod
    def _is(message: Request | Response, what: str) -> bool:
        word, _, rest = what.partition(" ")
        if isinstance(message, Response):
            named = re.search(r"\((\w+)\)", rest)
            return str(message.status) == word and (named is None or message.cseq_method == named[1])
        word, renewed = ("INVITE", True) if word == "re-INVITE" else (word, False)
        return message.method == word and (not renewed or bool(message.to_tag)) and (not rest or rest in message.uri)

    def _check_record(self, step: Record) -> None:
        kind = Call if step.kind == "record" else Attempt
        facts = [fact for fact in self.facts if isinstance(fact, kind)]
        wanted = dict(step.fields)
        at = int(wanted.pop("n", "0"))
        assert facts, f"line {step.line}: no {step.kind} yet"
        fact = msgspec.to_builtins(facts[at - 1])
        for name, value in wanted.items():
            assert fnmatchcase(str(fact[name]), value), f"line {step.line}: {name} is {fact[name]!r}, expected {value}"

    def _check_clean(self) -> None:
        """Nothing is left of the flow: no call, leg, channel, transaction or timer."""
        self.advance(SETTLE_S)
        board = self.core.board
        assert not board.legs, board.legs
        assert not board.calls, {call.id: call.state for call in board.calls.values()}
        assert not self.core.limits.used, self.core.limits.used
        assert not self.core.endpoint.open_transactions(), self.core.endpoint.open_transactions()
        assert not board.sessions
        self.advance(SETTLE_S)
        assert not self.core.endpoint.timers.pending()
        calls = {fact.call for fact in self.facts if isinstance(fact, Call)}
        assert {fact.call for fact in self.facts if isinstance(fact, Attempt)} <= calls


def implicit(message: Request | Response) -> bool:
    if isinstance(message, Response):
        return message.status == 100
    return message.method == "ACK" and not message.body


def check_detail(message: Request | Response, detail: str, line: int) -> None:
    if detail.startswith("no "):
        name = detail[3:]
        present = bool(message.body) if name == "sdp" else name in message.fields
        assert not present, f"line {line}: {name} is there: {message.every(name) if name != 'sdp' else message.body!r}"
        return
    name, _, value = detail.partition(":")
    pattern = value.strip().replace("[", "[[]").replace("...", "*")
    if name == "sdp":
        assert any(fnmatchcase(each, pattern) for each in message.body.decode().split("\r\n")), f"line {line}: {pattern} not in {message.body!r}"
        return
    if name == "uri":
        assert isinstance(message, Request)
        assert fnmatchcase(message.uri, pattern), f"line {line}: Request-URI is {message.uri}"
        return
    assert any(fnmatchcase(each, pattern) for each in message.fields.get(name, ())), f"line {line}: {name} is {message.every(name)!r}, not {pattern}"
