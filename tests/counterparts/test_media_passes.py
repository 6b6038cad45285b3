"""Audio through the relay between far ends that are not ours: SIPp and baresip on both sides, judged on the wire and by what they recorded."""

import asyncio
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts import sipp_script as script
from tests.counterparts.audio_stage import AT_THE_ENDS, FROM_ANYWHERE, NUMBER, AudioStage
from tests.counterparts.phones import until
from tests.counterparts.sounds import FRAME, likeness, load_wav, mu_law, noise, save_wav, sweep

pytestmark = pytest.mark.counterpart

TAG = 10
"Bytes SRTP adds to a packet with AES_CM_128_HMAC_SHA1_80 (RFC 4568 section 6.2)."

MINUS_ZERO = 2
"baresip decodes the smallest negative value of mu-law as -2, the recommendation as 0."


def test_what_sipp_says_comes_back_from_its_echo_bit_by_bit(tmp_path: Path) -> None:
    async def scenario() -> None:
        voice = noise(50, 1)
        async with AudioStage(tmp_path) as stage:
            await stage.sipp(stage.first, script.answer(script.ECHO), script.be_hung_up_on(), echo=True)
            await stage.sipp(stage.dialer, script.call(script.STREAM), script.speak(), script.pause(2500), script.hang_up(), voice=voice)
            await stage.all_ended()
            back = stage.wire.heard_by(stage.dialer)
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.first)) == voice
            assert b"".join(packet.payload for packet in back) == voice
            assert len({packet.ssrc for packet in back}) == 1
            assert all((b.sequence - a.sequence) & 0xFFFF == 1 and (b.timestamp - a.timestamp) & 0xFFFFFFFF == FRAME for a, b in pairwise(back))
            await until(lambda: len(stage.audio()) == 2, 20, "both legs on record")
            assert {leg: (audio.received, audio.sent, audio.lost, audio.refused) for leg, audio in stage.audio().items()} == {0: (50, 50, 0, 0), 1: (50, 50, 0, 0)}

    asyncio.run(scenario())


@pytest.mark.verify
def test_two_sipps_that_speak_at_once_hear_each_other_bit_by_bit(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, other = noise(60, 2), noise(60, 3)
        async with AudioStage(tmp_path) as stage:
            await stage.sipp(stage.first, script.answer(script.STREAM), script.speak(), script.be_hung_up_on(), voice=other)
            await stage.sipp(stage.dialer, script.call(script.STREAM), script.speak(), script.pause(1500), script.hang_up(), voice=one)
            await stage.all_ended()
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.first)) == one
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.dialer)) == other

    asyncio.run(scenario())


@pytest.mark.verify
def test_two_baresips_hear_each_other(tmp_path: Path) -> None:
    """On the wire each payload arrives as it was sent; what each wrote down, behind buffers of its own, is the other's voice."""

    async def scenario() -> None:
        voices = sweep(10, 300, 1500), sweep(10, 3400, 1700)
        files = [save_wav(tmp_path / f"voice{i}.wav", voice) for i, voice in enumerate(voices)]
        async with (
            AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE, first=FROM_ANYWHERE) as stage,
            stage.baresip(stage.dialer, files[0]) as phone, stage.baresip(stage.first, files[1]) as carrier,
        ):  # fmt: skip
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(2.5)
            await phone.hang_up()
            await until(stage.node.is_clean, 20, "node clean")
            for speaker, listener in ((stage.dialer, stage.first), (stage.first, stage.dialer)):
                said, heard = ([packet.payload for packet in packets] for packets in (stage.wire.said_by(speaker, 0), stage.wire.heard_by(listener, 0)))
                missed = said.index(heard[0])
                assert len(said) - AT_THE_ENDS <= len(heard) > 80
                assert heard == said[missed : missed + len(heard)]
            for talker, hearer in ((phone, carrier), (carrier, phone)):
                assert likeness(load_wav(hearer.dump("dec")), load_wav(talker.dump("enc"))) > 0.99
            assert likeness(load_wav(carrier.dump("dec")), voices[0]) > 0.99
            assert likeness(load_wav(phone.dump("dec")), voices[1]) > 0.99
            assert abs(likeness(load_wav(phone.dump("dec")), voices[0])) < 0.1, "the measure tells voices apart"

    asyncio.run(scenario())


def test_srtp_of_a_phone_is_plain_rtp_towards_the_carrier_and_back(tmp_path: Path) -> None:
    """baresip calls over TLS and seals its audio; SIPp's echo is plain, and baresip opens what comes back as what it said."""

    async def scenario() -> None:
        voice = sweep(10, 300, 1500)
        file = save_wav(tmp_path / "voice.wav", voice)
        stage = AudioStage(tmp_path, phone=True, transport="tls", dialer=f"secure: true, {FROM_ANYWHERE}")
        async with stage, stage.baresip(stage.dialer, file, ";mediaenc=srtp-mand") as phone:
            await stage.sipp(stage.first, script.answer(script.ECHO), script.be_hung_up_on(), echo=True)
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(2.5)
            await phone.hang_up()
            await stage.all_ended()
            plain = stage.wire.heard_by(stage.first)
            sealed, back = stage.wire.said_by(stage.dialer, 0), stage.wire.heard_by(stage.dialer, 0)
            assert len(sealed) - AT_THE_ENDS <= len(plain) <= len(sealed)
            assert len(plain) > 60
            assert {len(packet.payload) for packet in plain} == {FRAME}
            assert {len(packet.payload) for packet in sealed + back} == {FRAME + TAG}
            assert not {packet.payload for packet in plain} & {packet.payload[:FRAME] for packet in sealed + back}
            echoed = mu_law(b"".join(packet.payload for packet in stage.wire.said_by(stage.first)))
            heard = load_wav(phone.dump("dec"))
            assert likeness(heard, echoed) > 0.999999
            assert likeness(heard, voice) > 0.99

    asyncio.run(scenario())


def test_a_call_to_a_phone_with_srtp_is_sealed_towards_it_alone(tmp_path: Path) -> None:
    """The carrier's plain voice reaches baresip sealed, with keys of the node's offer, and the phone's reaches the carrier plain."""

    async def scenario() -> None:
        voice = sweep(10, 3400, 1700)
        file = save_wav(tmp_path / "voice.wav", voice)
        said = noise(50, 4)
        stage = AudioStage(tmp_path, phone=True, transport="tls", dialer=f"secure: true, {FROM_ANYWHERE}")
        async with stage, stage.baresip(stage.dialer, file, ";mediaenc=srtp-mand") as phone:
            await phone.registered()
            await stage.sipp(
                stage.first, script.call(script.STREAM), script.speak(), script.pause(2500), script.hang_up(), voice=said, to=f"{stage.at}:5080", number="14155550199"
            )
            await stage.all_ended()
            assert {len(packet.payload) for packet in stage.wire.heard_by(stage.dialer, 0)} == {FRAME + TAG}
            opened = load_wav(phone.dump("dec"))
            assert len(opened) > 40 * FRAME, "all but what stays in its jitter buffer"
            assert np.abs(opened - mu_law(said)[: len(opened)]).max() <= MINUS_ZERO, "what baresip opened is what SIPp said, to the sample"
            heard = mu_law(b"".join(packet.payload for packet in stage.wire.heard_by(stage.first)))
            assert likeness(heard, voice) > 0.99

    asyncio.run(scenario())


@pytest.mark.verify
@pytest.mark.parametrize("phone_seals", [True, False])
def test_a_carrier_with_srtp_has_keys_of_its_own(tmp_path: Path, phone_seals: bool) -> None:
    """Two baresips, the carrier's with SRTP, the phone's with or without: nothing on one side can be read with what is known on the other."""

    async def scenario() -> None:
        voices = sweep(10, 300, 1500), sweep(10, 3400, 1700)
        files = [save_wav(tmp_path / f"voice{i}.wav", voice) for i, voice in enumerate(voices)]
        sealing = ";mediaenc=srtp-mand"
        stage = AudioStage(
            tmp_path, phone=True, transport="tls", dialer=f"secure: {str(phone_seals).lower()}, {FROM_ANYWHERE}", first=f"secure: true, {FROM_ANYWHERE}"
        )
        async with (
            stage, stage.baresip(stage.dialer, files[0], sealing if phone_seals else "") as phone, stage.baresip(stage.first, files[1], sealing) as carrier,
        ):  # fmt: skip
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(2)
            await phone.hang_up()
            await until(stage.node.is_clean, 20, "node clean")
            ours, theirs = stage.wire.said_by(stage.dialer, 0), stage.wire.heard_by(stage.first, 0)
            assert len(theirs) > 60
            assert {len(packet.payload) for packet in theirs} == {FRAME + TAG}
            assert {len(packet.payload) for packet in ours} == {FRAME + TAG * phone_seals}
            assert not {packet.payload[:FRAME] for packet in ours} & {packet.payload[:FRAME] for packet in theirs}
            assert likeness(load_wav(carrier.dump("dec")), voices[0]) > 0.99
            assert likeness(load_wav(phone.dump("dec")), voices[1]) > 0.99

    asyncio.run(scenario())
