"""A recorded call between two SIPps: each voice in its channel of the WAV, and in no other."""

import asyncio
from pathlib import Path

import pytest

from tests.counterparts import sipp_script as script
from tests.counterparts.audio_stage import AudioStage
from tests.counterparts.phones import until
from tests.counterparts.sounds import coded, load_wav, mu_law, share, sweep
from trunkline.facts.record import Recording

pytestmark = pytest.mark.counterpart

PUNCTUAL = 0.9
"Recordings are made as time goes by: what comes too late is not in them. On an idle machine all of it is, on a busy one SIPp is late."


def test_each_voice_is_in_its_channel(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, other = coded(sweep(1, 300, 1500)), coded(sweep(1, 3400, 1700))
        async with AudioStage(tmp_path, trunk=", record: true", studio=True) as stage:
            await stage.sipp(stage.first, script.answer(script.STREAM), script.speak(), script.be_hung_up_on(), voice=other)
            await stage.sipp(stage.dialer, script.call(script.STREAM), script.speak(), script.pause(2500), script.hang_up(), voice=one)
            await stage.all_ended()

            def recordings() -> list[Recording]:
                return [fact for fact in stage.node.facts() if isinstance(fact, Recording)]

            await until(recordings, 20, "the recording is on record")
            (recording,) = recordings()
            samples = load_wav(stage.node.data / "recordings" / recording.file)
            assert samples.shape[1] == 2
            for channel, (own, foreign) in enumerate(((one, other), (other, one))):
                heard = samples[:, channel]
                assert share(heard, mu_law(own)) > PUNCTUAL
                assert share(heard, mu_law(foreign)) == 0

    asyncio.run(scenario())
