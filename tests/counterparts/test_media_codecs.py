"""A phone and a carrier that share no codec: baresip speaks G.722 or Opus, SIPp's echo PCMU, and baresip hears itself."""

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from tests.counterparts import sipp_script as script
from tests.counterparts.audio_stage import FROM_ANYWHERE, NUMBER, AudioStage
from tests.counterparts.sounds import FRAME, Samples, likeness, load_wav, mu_law, save_wav, sweep

pytestmark = pytest.mark.counterpart


def at_8_khz(file: Path) -> Samples:
    """A WAV of any rate, its channels as one."""
    with wave.open(str(file), "rb") as wav:
        rate = wav.getframerate()
    samples = load_wav(file).astype(float)
    mono = samples.mean(axis=1) if samples.ndim > 1 else samples
    return np.clip(resample_poly(mono, 8000, rate), -32768, 32767).astype(np.int16)


@pytest.mark.parametrize(("codec", "payload_type"), [("G722/16000/1", 9), pytest.param("opus/48000/2", 96, marks=pytest.mark.verify)])
def test_a_phone_hears_itself_through_a_carrier_of_another_codec(tmp_path: Path, codec: str, payload_type: int) -> None:
    async def scenario() -> None:
        voice = sweep(10, 500, 1700)
        file = save_wav(tmp_path / "voice.wav", voice)
        stage = AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE, gateways=", codecs: [PCMU]", studio=True)
        async with stage, stage.baresip(stage.dialer, file, codec=codec) as phone:
            await stage.sipp(stage.first, script.answer(script.ECHO), script.be_hung_up_on(), echo=True)
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(2.5)
            await phone.hang_up()
            await stage.all_ended()
            carried = stage.wire.heard_by(stage.first)
            assert len(carried) > 50
            assert {(packet.payload_type, len(packet.payload)) for packet in carried} == {(0, FRAME)}
            assert {packet.payload_type for packet in stage.wire.said_by(stage.dialer)} == {payload_type}
            assert likeness(mu_law(b"".join(packet.payload for packet in carried)), voice) > 0.99
            assert likeness(at_8_khz(phone.dump("dec")), voice) > 0.99

    asyncio.run(scenario())
