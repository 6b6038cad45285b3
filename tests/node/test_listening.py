"""Listening on a served node, end to end: what carriers send is heard, and acted on as the trunk's policy says."""

import asyncio
import os
import signal
import subprocess
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts.phones import until
from tests.counterparts.talkers import Talker, TalkingStage
from trunkline.facts.record import AnswerLabelled, Hearing, Recording
from trunkline.lab.voices import prompt, room
from trunkline.listen.plans import SITS
from trunkline.listen.synthesis import beep, pcm, silence, sit
from trunkline.media.g711 import MU_LAW

pytestmark = pytest.mark.counterpart

POLICY = """
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}, profile: asterisk, listen: {{mode: {mode}}}, record: {record}, early_media: {early}}}
carriers:
  first: {{gateways: {{main: {{host: "{first}:5060", options: 0}}}}}}
  second: {{gateways: {{main: {{host: "{second}:5060", options: 0}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: first}}, {{to: second}}]}}
"""


PERSON_S = 0.3
"Rung before a person answers."


class Voice(threading.Thread):
    """Plays samples to whoever a talker talks to, a frame every 20 ms."""

    def __init__(self, talker: Talker, samples: np.ndarray) -> None:
        super().__init__(daemon=True)
        self.talker = talker
        self.samples = samples
        self.over = threading.Event()
        self.start()

    def run(self) -> None:
        due = time.monotonic()
        for first in range(0, len(self.samples) - 159, 160):
            if self.over.is_set():
                return
            self.talker.audio.send(0, MU_LAW.encode_bytes(self.samples[first : first + 160]))
            due += 0.02
            time.sleep(max(0.0, due - time.monotonic()))


class Stage(TalkingStage):
    def __init__(self, folder: Path, mode: str, record: bool = False, early: str = "pass") -> None:
        super().__init__(folder, POLICY, '[media]\nengine = "relay"\n', mode=mode, record=str(record).lower(), early=early)
        self.voices: list[Voice] = []

    def hush(self) -> None:
        """Nobody speaks any more."""
        for voice in self.voices:
            voice.over.set()
            voice.join()
        self.voices.clear()

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self.hush()
        await super().__aexit__(kind, error, trace)

    def play(self, talker: Talker, *samples: np.ndarray) -> None:
        self.voices.append(Voice(talker, np.concatenate(samples)))

    def ring_first(self) -> None:
        self.dialer.call("14155550123", self.at)
        self.first.audio.heed(self.first.expect("INVITE").body)

    def answer_first(self, *samples: np.ndarray, ring_s: float = 0.3) -> None:
        """Ring and answer. People let it ring for seconds, and listening goes by that."""
        self.first.reply("180 Ringing")
        time.sleep(ring_s)
        self.first.reply("200 OK", self.first.audio.sdp())
        self.first.expect("ACK")
        self.play(self.first, *samples)

    def hearings(self) -> list[Hearing]:
        return [fact for fact in self.node.facts() if isinstance(fact, Hearing)]


def network_failure() -> np.ndarray:
    return pcm([sit(next(one for one in SITS if one.code == 'NC"')), silence(4.0)])


def test_a_network_failure_told_by_tone_routes_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "shadow") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            stage.dialer.expect("183")
            stage.play(stage.first, room(0.5), network_failure())
            stage.second.audio.heed(stage.second.expect("INVITE").body)
            cancel = stage.first.serve("CANCEL")
            assert cancel
            stage.first.reply("487 Request Terminated")
            stage.first.expect("ACK")
            stage.second.reply("200 OK", stage.second.audio.sdp())
            stage.dialer.expect("200")
            stage.second.expect("ACK")
            stage.dialer.ask("BYE")
            stage.second.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            first, second = stage.node.attempts()
            assert (first.outcome, first.evidence, first.next) == ("route", 'tone sit NC"', "next")
            assert second.outcome == "answered"
            assert {(hearing.kind, hearing.code, hearing.phase) for hearing in stage.hearings()} >= {("sit", 'NC"', "early")}

    asyncio.run(scenario())


def test_a_trunk_that_rings_by_itself_hears_no_early_media_though_we_do(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "shadow", early="ring") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            ringing = stage.dialer.expect("180")
            assert ringing.body == b""
            stage.play(stage.first, room(0.5), network_failure())
            stage.second.audio.heed(stage.second.expect("INVITE").body)
            stage.second.reply("100 Trying")
            assert stage.dialer.audio.hears_nothing()
            stage.first.serve("CANCEL")
            stage.first.reply("487 Request Terminated")
            stage.second.reply("183 Session Progress", stage.second.audio.sdp())
            stage.second.reply("200 OK", stage.second.audio.sdp())
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            stage.second.expect("ACK")
            said = stage.second.audio.say(10, pace_s=0.004)
            assert [packet.payload for packet in stage.dialer.audio.hear(10)] == said, "from the answer on it hears everything"
            stage.dialer.ask("BYE")
            stage.second.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")

    asyncio.run(scenario())


def announcement() -> np.ndarray:
    return np.concatenate([prompt("announcement-en-1"), room(0.8)] * 3)


def test_an_announcement_before_the_answer_is_on_record_and_makes_nothing_of_a_status_that_names_no_cause(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "shadow") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            stage.dialer.expect("183")
            stage.play(stage.first, room(0.5), announcement())
            await until(lambda: [hearing for hearing in stage.hearings() if hearing.kind == "announcement"], 8, "the announcement is heard")
            stage.hush()
            stage.first.reply("480 Temporarily Unavailable")
            stage.first.expect("ACK")
            stage.dialer.expect("408")  # as its profile says no answer
            stage.dialer.ask("ACK")
            await until(stage.node.is_clean, 5, "node clean")
            (attempt,) = stage.node.attempts()
            assert (attempt.early_heard, attempt.alerting_ms, attempt.alerted_by) == ("announcement", None, "")
            assert (attempt.outcome, attempt.evidence, attempt.next) == ("callee", "status 480", "stop")
            assert {(hearing.kind, hearing.phase) for hearing in stage.hearings()} == {("announcement", "early")}

    asyncio.run(scenario())


def test_a_mailbox_before_the_answer_is_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "shadow") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            stage.dialer.expect("183")
            stage.play(stage.first, room(0.5), prompt("voicemail-en-1"), prompt("voicemail-en-2"), room(0.4), pcm([beep(1000.0, 300.0)]), room(3.0))
            await until(lambda: [hearing for hearing in stage.hearings() if hearing.kind == "machine"], 20, "the mailbox is heard")
            stage.dialer.ask("CANCEL")
            stage.first.serve("CANCEL")
            stage.first.reply("487 Request Terminated")
            await until(stage.node.is_clean, 5, "node clean")
            (attempt,) = stage.node.attempts()
            assert (attempt.early_heard, attempt.outcome, attempt.evidence) == ("voicemail", "callee", "ring, no answer")

    asyncio.run(scenario())


def test_a_trunk_that_holds_early_media_back_hears_an_announcement_once_it_is_one(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", early="hold") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            stage.play(stage.first, room(0.5), announcement())
            stage.dialer.sip.settimeout(10)
            progress = stage.dialer.expect("183")
            assert progress.body, "with the description, now that it is worth hearing"
            stage.dialer.audio.heed(progress.body)
            assert len(stage.dialer.audio.hear(20)) == 20
            stage.hush()
            stage.first.reply("404 Not Found")
            stage.first.expect("ACK")
            await until(stage.node.is_clean, 5, "node clean")
            (attempt,) = stage.node.attempts()
            assert (attempt.early_heard, attempt.outcome, attempt.evidence) == ("announcement", "callee", "status 404")

    asyncio.run(scenario())


def test_gate_keeps_a_voicemail_from_the_agent_and_tells_the_dialer_nothing_of_a_dead_number(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "gate") as stage:
            stage.ring_first()
            stage.answer_first(room(0.3), prompt("voicemail-es-1"), prompt("voicemail-en-1"), room(5.0))
            stage.dialer.expect("486")
            stage.dialer.ask("ACK")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            (attempt,) = stage.node.attempts()
            assert (record.status, record.refusal, record.released_by) == (486, "listen.machine", "trunkline")
            assert (attempt.outcome, attempt.heard) == ("answered", "machine")

    asyncio.run(scenario())


def test_gate_connects_a_human_when_the_verdict_is_there_and_anybody_when_it_is_late(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "gate") as stage:
            stage.ring_first()
            stage.answer_first(room(0.3), prompt("human-en-1"), room(8.0), ring_s=PERSON_S)
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            stage.dialer.ask("BYE")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            (attempt,) = stage.node.attempts()
            assert record.status == 200
            assert "labelled human" in stage.node.ask("label", call=record.call, kind="human", author="ann")
            assert [(fact.kind, fact.author) for fact in stage.node.facts() if isinstance(fact, AnswerLabelled)] == [("human", "ann")]
            assert record.answer_ms > attempt.answer_ms + 300, "both answer times are on record: the carrier's, and the dialer's"
            assert record.answer_ms - attempt.answer_ms < 2500 + 400, "never longer than the policy's wait"

    asyncio.run(scenario())


def test_a_dialer_that_gives_up_while_screening_is_refused_and_the_callee_hung_up(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "gate") as stage:
            stage.ring_first()
            stage.answer_first(room(5.0))
            stage.dialer.ask("CANCEL")
            stage.dialer.expect("487")
            stage.dialer.ask("ACK")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            assert (record.status, record.released_by) == (487, "dialer")

    asyncio.run(scenario())


def test_a_call_is_recorded_with_each_side_in_its_channel(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", record=True) as stage:
            stage.ring_first()
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            stage.first.expect("ACK")
            left, right = prompt("agent-en-1")[:8000], prompt("human-de-1")[:8000]
            stage.play(stage.dialer, left)
            stage.play(stage.first, right)
            await asyncio.sleep(1.4)
            stage.dialer.ask("BYE")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")

            def recordings() -> list[Recording]:
                return [fact for fact in stage.node.facts() if isinstance(fact, Recording)]

            await until(recordings, 20, "the recording is on record")
            (recording,) = recordings()
            assert recording.why == ""
            with wave.open(recording.file) as file:
                assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
                both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
            for channel, said in ((0, left), (1, right)):
                coded = MU_LAW.decode_bytes(MU_LAW.encode_bytes(said[:4000]))
                assert coded.tobytes() in both[:, channel].tobytes(), f"channel {channel} is not bit-exact"

    asyncio.run(scenario())


def test_everything_goes_on_when_the_studio_dies(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "gate") as stage:
            assert stage.node.process is not None
            children = subprocess.run(["pgrep", "-P", str(stage.node.process.pid), "-f", "trunkline.studio"], capture_output=True, text=True, check=True)
            stage.ring_first()
            stage.first.reply("180 Ringing")
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.first.expect("ACK")
            os.kill(int(children.stdout.split()[0]), signal.SIGKILL)
            stage.dialer.expect("200")  # after the wait: when unsure, the agent gets the call
            stage.dialer.ask("BYE")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            assert stage.node.records()[0].status == 200

    asyncio.run(scenario())

