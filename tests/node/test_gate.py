"""Gate mode and what follows the answer, end to end: messages for machines, dead air, evidence and samples."""

import asyncio
import time
import wave
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts.phones import until
from tests.media.far_ends import Packet, Phone
from tests.node.test_listening import PERSON_S, Stage
from trunkline.facts.record import Recording
from trunkline.lab.voices import Pcm, prompt, room, sound
from trunkline.listen.synthesis import beep, pcm, silence
from trunkline.media.g711 import MU_LAW

pytestmark = pytest.mark.counterpart

TOLERANCE_MS = 300.0
"Of a span measured on audio: both ends are known to a few frames, and this machine has other things to do."


def message(folder: Path) -> tuple[Path, bytes]:
    """A message unlike anything else on the line, and how it is coded."""
    samples = (6000 * np.sin(2 * np.pi * 333 * np.arange(8000) / 8000)).astype(np.int16)
    path = folder / "message.wav"
    save(path, samples)
    return path, MU_LAW.encode_bytes(samples)


def save(path: Path, samples: Pcm) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())


def ringback(seconds: float) -> Pcm:
    from random import Random

    one = sound("ringback", Random(1), "de")
    assert one is not None
    return np.resize(one.samples, round(seconds * 8000))


def overheard(phone: Phone, seconds: float) -> bytes:
    """What arrives at a far end in that time, in order."""
    until_s = time.monotonic() + seconds
    heard = b""
    while (left := until_s - time.monotonic()) > 0:
        phone.rtp.settimeout(left)
        with suppress(TimeoutError):
            heard += Packet(phone.rtp.recv(2048)).payload
    return heard


def recordings(stage: Stage, purpose: str) -> list[Recording]:
    return [fact for fact in stage.node.facts() if isinstance(fact, Recording) and fact.purpose == purpose]


def voice_span_s(samples: Pcm) -> tuple[float, float]:
    """Begin and end of what is loud in it."""
    loud = np.flatnonzero(np.abs(samples.astype(np.int32)) > 500)
    return float(loud[0]) / 8000, float(loud[-1]) / 8000


def test_a_machine_is_left_a_message_after_its_beep(tmp_path: Path) -> None:
    file, coded = message(tmp_path)

    async def scenario() -> None:
        async with Stage(tmp_path, f"gate, machine: drop, message: {file}") as stage:
            stage.ring_first()
            greeting = (room(0.3), prompt("voicemail-es-1"), prompt("voicemail-en-1"), room(0.6))
            length_s = sum(part.size for part in greeting) / 8000
            stage.answer_first(*greeting, pcm([beep(1000, 400, -14.0)]), room(20.0))
            answered = time.monotonic()
            stage.dialer.expect("486")
            stage.dialer.ask("ACK")
            assert time.monotonic() - answered < length_s, "the dialer is free before the greeting is over, let alone the message left"
            heard = b""
            while coded not in heard and time.monotonic() - answered < length_s + 20:
                heard += overheard(stage.first.audio, 0.5)
            assert coded in heard, "the mailbox hears the message, bit by bit"
            assert time.monotonic() - answered > length_s + 0.4, "and not before its beep is over"
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            (attempt,) = stage.node.attempts()
            assert (record.status, record.refusal, record.message, record.answer_ms) == (486, "listen.machine", "beep", None)
            assert (attempt.heard, attempt.released_by) == ("machine", "trunkline")
            assert attempt.talk_ms is not None
            assert attempt.talk_ms > 1000 * length_s, "the carrier bills the message; so does the record"

    asyncio.run(scenario())


def test_dead_air_is_measured_from_the_greeting_to_the_agents_voice(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "observe") as stage:
            greeting, agent = prompt("human-en-1"), prompt("agent-en-1")[:16_000]
            stage.ring_first()
            stage.first.reply("180 Ringing")
            time.sleep(PERSON_S)
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.first.expect("ACK")
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            began = time.monotonic()
            stage.play(stage.first, room(0.3), greeting, room(8.0))
            stage.play(stage.dialer, room(0.5))
            await asyncio.sleep(2.0)
            spoke = time.monotonic()
            stage.play(stage.dialer, agent, room(2.0))
            await asyncio.sleep(4.5)
            stage.dialer.ask("BYE")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            (attempt,) = stage.node.attempts()
            assert attempt.heard == "human"
            expected = (spoke + voice_span_s(agent)[0] - began - 0.3 - voice_span_s(greeting)[1]) * 1000
            assert record.dead_air_ms is not None
            assert abs(record.dead_air_ms - expected) < TOLERANCE_MS, (record.dead_air_ms, expected)

    asyncio.run(scenario())


def test_evidence_is_kept_of_a_false_answer_and_of_no_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "observe, evidence: 4s") as stage:
            folder = stage.node.data / "evidence"
            for samples, heard in (((room(0.4), prompt("human-en-1"), room(8.0)), "human"), ((ringback(14.0),), "false")):
                stage.ring_first()
                stage.answer_first(*samples, ring_s=PERSON_S)
                stage.dialer.audio.heed(stage.dialer.expect("200").body)
                await asyncio.sleep(1.0)
                assert list(folder.glob("*.wav")), "it is kept until it is known what it is"
                await asyncio.sleep(8.0)
                stage.dialer.ask("BYE")
                stage.dialer.expect("200")
                stage.first.serve("BYE")
                await until(stage.node.is_clean, 20, "node clean")
                stage.hush()
                assert stage.node.attempts()[-1].heard == heard
                await until(lambda: len(list(folder.glob("*.wav"))) == len(recordings(stage, "evidence")), 20, "what is no evidence is thrown away")
                assert len(recordings(stage, "evidence")) == (heard == "false")
                stage.first.dialog = {}
            (kept,) = recordings(stage, "evidence")
            assert kept.call == stage.node.records()[-1].call
            with wave.open(kept.file) as file:
                assert 3.5 < file.getnframes() / 8000 < 6.0, "the first seconds, no more"
                both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
            assert np.abs(both[:, 0].astype(np.int32)).max() > 1000, "and the ringing is in them"

    asyncio.run(scenario())


def test_samples_are_kept_while_somebody_wants_them_and_within_bounds(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "observe") as stage:
            assert stage.node.ask("sample")["on"] is False, "off by default"
            answer = stage.node.ask("sample", share=1.0, seconds=1, count=1, days=30.0)
            assert (answer["on"], answer["most"]) == (True, 1)
            for calls in (1, 2):
                stage.ring_first()
                stage.answer_first(room(0.2), prompt("human-en-1"), room(3.0))
                stage.dialer.audio.heed(stage.dialer.expect("200").body)
                await asyncio.sleep(2.5)
                stage.dialer.ask("BYE")
                stage.dialer.expect("200")
                stage.first.serve("BYE")
                await until(stage.node.is_clean, 20, "node clean")
                stage.hush()
                stage.first.dialog = {}
                assert len(stage.node.records()) == calls
                await until(lambda: recordings(stage, "sample"), 20, "the sample is on record")
                assert len(recordings(stage, "sample")) == 1, "no more than was allowed"
            assert stage.node.ask("sample")["kept"] == 1
            assert stage.node.ask("sample", on=False)["on"] is False

    asyncio.run(scenario())


def test_nothing_but_silence_is_no_voice(tmp_path: Path) -> None:
    """An agent who never speaks leaves no figure, rather than a wrong one."""

    async def scenario() -> None:
        async with Stage(tmp_path, "observe") as stage:
            stage.ring_first()
            stage.answer_first(room(0.2), prompt("human-en-1"), room(6.0), ring_s=PERSON_S)
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            stage.play(stage.dialer, pcm([silence(6.0)]))
            await asyncio.sleep(6.5)
            stage.dialer.ask("BYE")
            stage.first.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            assert stage.node.records()[0].dead_air_ms is None

    asyncio.run(scenario())
