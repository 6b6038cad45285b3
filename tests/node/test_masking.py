"""Secrets on a served node, with real RTP: keys of a masked side reach nobody, and the recording holds silence meanwhile."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts.phones import until
from tests.counterparts.talkers import WAIT_S, Talker
from tests.media.far_ends import FRAME
from tests.node.test_gate import overheard
from tests.node.test_listening import Stage
from trunkline.facts.record import Recording
from trunkline.media.g711 import MU_LAW
from trunkline.media.inband_digits import DigitHeard, InbandDigits, make_digits

pytestmark = pytest.mark.counterpart

CARD = "4929"


def tones(digits: str) -> np.ndarray:
    samples = make_digits(digits)
    return np.concatenate([samples, np.zeros(-samples.size % FRAME, np.int16)])


def keys_in(coded: bytes) -> str:
    """Keys heard as tones."""
    detector = InbandDigits(1)
    samples = MU_LAW.decode_bytes(coded)
    told = [one for at in range(0, samples.size - FRAME + 1, FRAME) for one in detector.hear(samples[None, at : at + FRAME])[0]]
    return "".join(one.digit for one in told if isinstance(one, DigitHeard))


async def connect(stage: Stage) -> tuple[Talker, Talker, str]:
    stage.ring_first()
    stage.first.reply("200 OK", stage.first.audio.sdp())
    stage.dialer.audio.heed(stage.dialer.expect("200").body)
    stage.first.expect("ACK")
    (call,) = stage.node.ask("calls")
    return stage.dialer, stage.first, call["call"]


async def hang_up(stage: Stage) -> None:
    stage.dialer.ask("BYE")
    stage.first.serve("BYE")
    await until(stage.node.is_clean, 20, "node clean")


def test_masked_keys_reach_nobody_and_are_in_no_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", record=True) as stage:
            dialer, callee, call = await connect(stage)
            callee.audio.press(7)
            assert any(packet.payload_type == 101 for packet in dialer.audio.hear(7)), "as long as nobody masks, keys pass"
            assert "masked" in stage.node.ask("mask", call=call)
            dialer.audio.discard()
            for digit in CARD:
                callee.audio.press(int(digit))
            callee.ask("INFO", b"Signal=4\r\nDuration=100\r\n", "application/dtmf-relay")
            callee.expect("200")
            coded = MU_LAW.encode_bytes(tones(CARD))
            assert keys_in(coded) == CARD
            callee.audio.speak(coded)
            heard = overheard(dialer.audio, 0.5)
            assert not keys_in(heard), "neither as tones"
            dialer.sip.settimeout(0.3)
            with pytest.raises(TimeoutError):
                dialer.sip.recvfrom(65535)  # nor as INFO
            dialer.sip.settimeout(WAIT_S)
            assert "pass again" in stage.node.ask("mask", call=call, on=False)
            dialer.audio.discard()
            callee.audio.press(7)
            assert any(packet.payload_type == 101 for packet in dialer.audio.hear(7))
            await hang_up(stage)
            written = b"".join(path.read_bytes() for path in (stage.node.data / "journal").rglob("*") if path.is_file())
            assert b"Signal" not in written
            assert "Signal" not in stage.node.log.read_text()

    asyncio.run(scenario())


def test_a_recording_holds_silence_while_it_is_paused_and_while_keys_are_masked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", record=True) as stage:
            _, _, call = await connect(stage)
            loud = (8000 * np.sin(2 * np.pi * 500 * np.arange(8000 * 12) / 8000)).astype(np.int16)
            stage.play(stage.dialer, loud)
            stage.play(stage.first, loud)
            for do in ("pause", "mask"):
                await asyncio.sleep(1.0)
                stage.node.ask(do, call=call)
                await asyncio.sleep(1.5)
                stage.node.ask(do, call=call, on=False)
            await asyncio.sleep(1.0)
            await hang_up(stage)

            def recorded() -> list[Recording]:
                return [fact for fact in stage.node.facts() if isinstance(fact, Recording)]

            await until(recorded, 20, "the recording is on record")
            with wave.open(recorded()[0].file) as file:
                both = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2).astype(np.int32)
            for channel in (0, 1):
                seconds = np.array([np.abs(both[at : at + 800, channel]).max() > 4000 for at in range(0, len(both) - 800, 800)])
                changes = int(np.abs(np.diff(seconds.astype(int))).sum())
                silent_s = float((~seconds).sum()) / 10
                assert changes >= 4, "said, silent, said, silent, said"
                assert 2.0 < silent_s < 5.0, silent_s

    asyncio.run(scenario())


def test_what_cannot_be_done_says_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off") as stage:
            _, _, call = await connect(stage)
            with pytest.raises(AssertionError, match="not recorded"):
                stage.node.ask("pause", call=call)
            with pytest.raises(AssertionError, match="caller or callee"):
                stage.node.ask("mask", call=call, side="everybody")
            with pytest.raises(AssertionError, match="no call nobody in progress"):
                stage.node.ask("mask", call="nobody")
            await hang_up(stage)

    asyncio.run(scenario())
