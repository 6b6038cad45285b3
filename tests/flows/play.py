"""Playing a flow: stimuli are said, expectations matched, facts asserted. What carries messages and time is the stage's business."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec

from trunkline.facts.record import Attempt, Call, Fact, Recording
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Request, Response, parse

from .actor import Actor
from .script import Anything, Record, Sound, Step, Wait
from .script import Flow as Script

POLICIES = Path(__file__).parent / "policies"
SECRET = "correct-horse-battery-7"
"What `env:SECRET` of the policies holds."

HOSTS = {
    "dialer": "10.0.0.1", "dialer-2": "10.0.0.2", "phone": "10.0.0.3", "office": "10.0.0.4", "stranger": "10.9.9.9",
    "carrier-a": "10.1.0.1", "carrier-b": "10.1.0.2", "carrier-c": "10.1.0.3", "target": "10.1.0.9",
}  # fmt: skip
"Where flows and policies say the actors are."

TRUNKS, CARRIERS = "10.0.0.254", "10.1.0.254"
"Where they say the node is, towards dialers and towards carriers."


class Play(ABC):
    """One flow being played. A stage gives it a node, a clock and a wire."""

    in_order = True
    "The wire keeps the order of what the node sends, so that the order of expectations means something."

    def __init__(self, script: Script) -> None:
        self.script = script
        self.actors: dict[str, Actor] = {}
        self.heard: list[tuple[str, Request | Response]] = []
        "What the node sent and no line has matched yet, with the actor it went to."
        self.excused: list[Request | Response] = []
        "Messages heard that need no line: retransmissions, which are the same bytes as one before, and what `...` permitted."
        self.said: set[bytes] = set()
        self.line = 0

    # What a stage is.

    @abstractmethod
    def door(self, name: str) -> Door:
        """The node's door this actor talks to."""

    @abstractmethod
    def host(self, name: str) -> str:
        """Where this actor is."""

    @abstractmethod
    def send(self, actor: Actor, data: bytes) -> None:
        """Give the node a message, and let it work off what follows from it at once."""

    @abstractmethod
    def advance(self, seconds: float) -> None:
        """Let that much of the flow's time pass."""

    @abstractmethod
    def hear_more(self) -> bool:
        """Nothing heard yet satisfies the line: wait for more. False when it has been waited for long enough."""

    @abstractmethod
    def facts(self) -> Sequence[Fact]:
        """What the node has recorded so far."""

    def sound(self, step: Sound) -> None:
        """Something about the audio; only a stage that carries it can."""
        raise AssertionError(f"line {step.line}: this flow has no audio: it begins without `audio: ours`")

    @abstractmethod
    def check_clean(self) -> None:
        """Nothing is left of the flow: no call, leg, channel, transaction or timer."""

    # The walk.

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
            elif isinstance(step, Sound):
                self.line = step.line
                self.sound(step)
                continue
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
        self.check_clean()
        calls = {fact.call for fact in self.facts() if isinstance(fact, Call)}
        assert {fact.call for fact in self.facts() if isinstance(fact, Attempt)} <= calls

    def actor(self, name: str) -> Actor:
        known = self.actors.get(name)
        if known is None:
            base = name.partition("/")[0]
            known = self.actors[name] = Actor(name, Flow(self.door(base), (self.host(base), 5060)), len(self.actors) + 1)
        return known

    def _stimulate(self, step: Step) -> None:
        assert not [message for _, message in self.heard if not self.may_be_left_out(message)] or step.what == "again", (
            f"line {step.line}: unexpected before this: {self.heard}"
        )
        actor = self.actor(step.who)
        details = [self._filled(detail, actor) for detail in step.details]
        self.send(actor, actor.say(self._filled(step.what, actor), details, actor.flow.door.sent_by))

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

    def hear(self, data: bytes, base: str) -> None:
        """The node sent this to `base`, or to one of its further calls."""
        message = parse(data)
        assert not isinstance(message, Fault), (message, data)
        assert message.fault is None, (message.fault, data)
        calls = (name for name, actor in self.actors.items() if actor.call_id == message.call_id and name.partition("/")[0] == base)
        name = next(calls, base)
        self.actor(name).hear(message)
        if data in self.said:
            self.excused.append(message)
        self.said.add(data)
        self.heard.append((name, message))

    # Expectations.

    def _expect(self, step: Step, anything: bool) -> None:
        while (at := self._find(step, anything)) is None:
            assert self.hear_more(), f"line {step.line}: expected {step.what} to {step.whom}, got nothing more of {self.heard}"
        _, message = self.heard[at]
        for detail in step.details:
            check_detail(message, detail, step.line)
        if anything and not self.in_order:
            self.excused += [message for _, message in self.heard[:at]]
        del self.heard[0 if anything and self.in_order else at : at + 1]

    def _find(self, step: Step, anything: bool) -> int | None:
        for i, (whom, message) in enumerate(self.heard):
            if whom == step.whom and _is(message, step.what):
                return i
            if self.in_order and not anything and not self.may_be_left_out(message):
                raise AssertionError(f"line {step.line}: expected {step.what} to {step.whom}, got {message!r} to {whom}")
        return None

    def may_be_left_out(self, message: Request | Response) -> bool:
        """What need not be written: 100 Trying, the ACK of a refusal, retransmissions."""
        return implicit(message) or any(message is each for each in self.excused)

    def _check_record(self, step: Record) -> None:
        kind = {"record": Call, "attempt": Attempt, "recording": Recording}[step.kind]
        wanted = dict(step.fields)
        at = int(wanted.pop("n", "0"))
        facts: list[Any] = []
        while not facts or len(facts) < at:
            facts = [fact for fact in self.facts() if isinstance(fact, kind)]
            assert len(facts) >= max(at, 1) or self.hear_more(), f"line {step.line}: {len(facts)} of kind {step.kind} yet"
        fact = msgspec.to_builtins(facts[at - 1])
        for name, value in wanted.items():
            assert fnmatchcase(str(fact[name]), value), f"line {step.line}: {name} is {fact[name]!r}, expected {value}"


def _is(message: Request | Response, what: str) -> bool:
    word, _, rest = what.partition(" ")
    if isinstance(message, Response):
        named = re.search(r"\((\w+)\)", rest)
        return str(message.status) == word and (named is None or message.cseq_method == named[1])
    word, renewed = ("INVITE", True) if word == "re-INVITE" else (word, False)
    return message.method == word and (not renewed or bool(message.to_tag)) and (not rest or rest in message.uri)


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
