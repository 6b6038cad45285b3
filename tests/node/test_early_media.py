"""Early media, end to end with real RTP: passed, held back until it is heard to be ringing, and moving house at the answer."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.counterparts.phones import until
from tests.media.far_ends import Phone, phones
from tests.node.test_gate import ringback
from tests.node.test_listening import Stage
from trunkline.lab.voices import room

pytestmark = pytest.mark.counterpart


async def hang_up(stage: Stage) -> None:
    stage.dialer.ask("BYE")
    stage.first.serve("BYE")
    await until(stage.node.is_clean, 20, "node clean")


def test_early_media_is_held_back_until_ringing_is_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", early="hold") as stage:
            stage.dialer.sip.settimeout(15.0)
            began = time.monotonic()
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            stage.play(stage.first, room(0.6), ringback(20.0))
            played_s = time.monotonic() - began
            assert stage.dialer.audio.hears_nothing()
            ringing = stage.dialer.expect("180")
            heard_s = time.monotonic() - began
            stage.dialer.audio.heed(ringing.body)
            assert stage.dialer.audio.hear(5), "from then on it hears the carrier's ringing"
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.dialer.expect("200")
            stage.first.expect("ACK")
            await hang_up(stage)
            (attempt,) = stage.node.attempts()
            assert (attempt.alerted_by, attempt.early_heard, attempt.early_media) == ("ringback", "ringback", "183+sdp")
            assert attempt.alerting_ms is not None
            assert 300 < attempt.alerting_ms < 1200 + 1000 * played_s, "the delay is to when it rang, not to when we were sure"
            assert attempt.alerting_ms < 1000 * heard_s

    asyncio.run(scenario())


def test_a_183_without_audio_leaves_the_dialer_ringing_by_itself(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off", early="hold") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", stage.first.audio.sdp())
            await until(lambda: stage.node.ask("calls")[0]["early_heard"] == "no_audio", 20, "it is known that there is none")
            stage.first.reply("180 Ringing")
            assert stage.dialer.expect("180").body == b"", "the first thing it hears of"
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.dialer.audio.heed(stage.dialer.expect("200").body)
            stage.first.expect("ACK")
            said = stage.first.audio.say(10, pace_s=0.004)
            assert [packet.payload for packet in stage.dialer.audio.hear(10)] == said
            await hang_up(stage)
            (attempt,) = stage.node.attempts()
            assert (attempt.alerted_by, attempt.early_heard) == ("180", "no_audio")

    asyncio.run(scenario())


def test_a_183_whose_description_is_of_no_use_is_no_ringing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off") as stage:
            stage.ring_first()
            stage.first.reply("183 Session Progress", b"v=0\r\nm=audio x\r\n")
            assert stage.dialer.expect("183").body == b""
            stage.first.reply("200 OK", stage.first.audio.sdp())
            stage.dialer.expect("200")
            stage.first.expect("ACK")
            await hang_up(stage)

    asyncio.run(scenario())


def test_audio_a_carrier_has_not_let_be_heard_yet_is_not_heard(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off") as stage:
            stage.ring_first()
            carrier, dialer = stage.first.audio, stage.dialer.audio
            stage.first.reply("183 Session Progress\r\nP-Early-Media: inactive", carrier.sdp())
            assert stage.dialer.expect("183").body == b"", "it goes on ringing by itself"
            stage.first.reply("180 Ringing\r\nP-Early-Media: sendonly")
            ringing = stage.dialer.expect("180")
            dialer.heed(ringing.body)
            said = carrier.say(10, pace_s=0.004)
            assert [packet.payload for packet in dialer.hear(10)] == said
            stage.first.reply("183 Session Progress\r\nP-Early-Media: inactive")
            stage.dialer.expect("183")
            time.sleep(0.1)
            carrier.say(10, pace_s=0.004)
            assert dialer.hears_nothing()
            stage.first.reply("200 OK", carrier.sdp())
            stage.dialer.expect("200")
            stage.first.expect("ACK")
            said = carrier.say(10, pace_s=0.004)
            assert [packet.payload for packet in dialer.hear(10)] == said
            await hang_up(stage)

    asyncio.run(scenario())


def test_an_announcement_from_one_port_and_the_answer_from_another(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "off") as stage:
            callee = Phone(stage.first.host)
            with phones(callee):
                stage.ring_first()
                server = stage.first.audio
                stage.first.reply("183 Session Progress", server.sdp())
                progress = stage.dialer.expect("183")
                stage.dialer.audio.heed(progress.body)
                told = stage.dialer.audio.target
                said = server.say(10, pace_s=0.004)
                assert [packet.payload for packet in stage.dialer.audio.hear(10)] == said
                callee.target = server.target
                stage.first.reply("200 OK", callee.sdp())
                answer = stage.dialer.expect("200")
                stage.dialer.audio.heed(answer.body)
                assert stage.dialer.audio.target == told, "nothing of it shows on the dialer's side"
                stage.first.expect("ACK")
                time.sleep(0.1)  # a packet that overtakes the news of its address is a stranger's
                said = callee.say(10, pace_s=0.004)
                assert [packet.payload for packet in stage.dialer.audio.hear(10)] == said
                said = stage.dialer.audio.say(10, pace_s=0.004)
                assert [packet.payload for packet in callee.hear(10)] == said, "the dialer speaks to whoever answered"
                await hang_up(stage)

    asyncio.run(scenario())
