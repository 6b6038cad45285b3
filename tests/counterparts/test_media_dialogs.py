"""Audio through what happens in a call: hold and resume, a transfer, another carrier after early media; SIPp and baresip speak and hear."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from tests.counterparts import sipp_script as script
from tests.counterparts.audio_stage import AT_THE_ENDS, FROM_ANYWHERE, NUMBER, TARGET, AudioStage
from tests.counterparts.phones import until
from tests.counterparts.sounds import FRAME, coded, likeness, load_wav, noise, save_wav, sweep

pytestmark = pytest.mark.counterpart


def bodies(messages: list[str], *starts: str) -> list[str]:
    """The SDP of each message received that begins so."""
    return [
        message.partition("\n\n")[2].partition("\n\n")[2].strip()
        for message in messages if "message received" in message and any(f"\n{start}" in message for start in starts) and "v=0" in message
    ]  # fmt: skip


def test_audio_before_during_and_after_a_hold(tmp_path: Path) -> None:
    """A SIPp dialer holds the call by re-INVITE, plays on as music would, and resumes; the other SIPp hears all of it, and is heard afterwards."""

    async def scenario() -> None:
        one, other = noise(20, 5), noise(20, 6)
        heard = script.speak() + script.pause(1200)
        async with AudioStage(tmp_path) as stage:
            await stage.sipp(
                stage.first, script.answer(script.STREAM), script.answer_again(script.STREAM, "recvonly", 2),
                script.answer_again(script.STREAM, "sendrecv", 3), script.speak(), script.be_hung_up_on(), voice=other,
            )  # fmt: skip
            await stage.sipp(
                stage.dialer, script.call(script.STREAM), heard, script.again(2, script.STREAM, "sendonly"), heard, script.again(3, script.STREAM, "sendrecv"), heard,
                script.hang_up(), voice=one,
            )  # fmt: skip
            await stage.all_ended()
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.first)) == one * 3
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.dialer)) == other
            offers = bodies(stage.messages(stage.first), "INVITE ")
            assert ["sendonly" in offer for offer in offers] == [False, True, False]
            assert len({line for offer in offers for line in offer.splitlines() if line.startswith(("m=", "c="))}) == 2, "the address stays"
            assert stage.node.records()[0].holds == 1

    asyncio.run(scenario())


@pytest.mark.verify
def test_a_phone_that_holds_is_silent_and_heard_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        voices = sweep(10, 300, 1500), sweep(10, 3400, 1700)
        files = [save_wav(tmp_path / f"voice{i}.wav", voice) for i, voice in enumerate(voices)]
        async with (
            AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE, first=FROM_ANYWHERE) as stage,
            stage.baresip(stage.dialer, files[0]) as phone, stage.baresip(stage.first, files[1]) as carrier,
        ):  # fmt: skip
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(1)
            phone.tell("hold")
            await asyncio.sleep(0.5)
            before = len(stage.wire.heard_by(stage.first, 0)), len(stage.wire.heard_by(stage.dialer, 0))
            await asyncio.sleep(0.5)
            during = len(stage.wire.heard_by(stage.first, 0)), len(stage.wire.heard_by(stage.dialer, 0))
            phone.tell("resume")
            await asyncio.sleep(1)
            after = len(stage.wire.heard_by(stage.first, 0)), len(stage.wire.heard_by(stage.dialer, 0))
            await phone.hang_up()
            await until(stage.node.is_clean, 20, "node clean")
            assert before[0] > 30
            assert before[1] > 30
            assert during[1] == before[1], "who is held says nothing"
            assert min(after[0] - during[0], after[1] - during[1]) > 30
            assert stage.node.records()[0].holds == 1
            for speaker, listener in ((stage.dialer, stage.first), (stage.first, stage.dialer)):
                said, heard = ([packet.payload for packet in packets] for packets in (stage.wire.said_by(speaker, 0), stage.wire.heard_by(listener, 0)))
                missed = said.index(heard[0])
                assert len(said) - AT_THE_ENDS <= len(heard), "but for what is said before the answer is read and while the call is hung up"
                assert heard == said[missed : missed + len(heard)]
            assert carrier.saw("CALL_ESTABLISHED") == 1

    asyncio.run(scenario())


def test_after_a_blind_transfer_the_two_that_are_left_hear_each_other(tmp_path: Path) -> None:
    """A SIPp dialer REFERs its callee, SIPp's echo, to a baresip: what baresip says comes back to it, and nothing reaches the dialer any more."""

    async def scenario() -> None:
        voice = sweep(10, 300, 1500)
        file = save_wav(tmp_path / "voice.wav", voice)
        said = noise(20, 7)
        async with AudioStage(tmp_path, second=FROM_ANYWHERE) as stage, stage.baresip(stage.second, file, number=TARGET) as target:
            await stage.sipp(stage.first, script.answer(script.ECHO), script.answer_again(script.ECHO, "sendrecv", 2), script.be_hung_up_on(), echo=True)
            notified = (script.expect("NOTIFY") + script.reply("200 OK")) * 3
            await stage.sipp(
                stage.dialer, script.call(script.STREAM), script.speak(), script.pause(1200),
                script.ask("REFER", 2, more="Refer-To: <sip:" + TARGET + "@[remote_ip]>\n") + script.hear(202), notified, script.hang_up(3), voice=said,
            )  # fmt: skip
            await until(lambda: target.saw("CALL_ESTABLISHED") == 1, 20, "the target answers")
            began = len(stage.wire.heard_by(stage.dialer))
            await asyncio.sleep(2.5)
            await target.hang_up()
            await stage.all_ended()
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.dialer)) == said
            assert len(stage.wire.heard_by(stage.dialer)) == began, "the dialer is out of it"
            passed = [packet.payload for packet in stage.wire.heard_by(stage.first)][len(said) // FRAME :]
            back = [packet.payload for packet in stage.wire.heard_by(stage.second, 0)]
            assert len(passed) > 60
            assert len(passed) - AT_THE_ENDS <= len(back), "but for what is on its way when the target hangs up"
            assert back == passed[: len(back)]
            assert likeness(load_wav(target.dump("dec")), voice) > 0.99
            first, second = sorted(stage.node.records(), key=lambda call: call.at)
            assert (first.transfers, second.carrier) == (1, "second")

    asyncio.run(scenario())


def test_another_carrier_after_early_media_is_one_stream_and_one_sdp_to_the_dialer(tmp_path: Path) -> None:
    """The first SIPp streams with its 183 and then says 503; the second answers and streams: the dialer's side cannot tell, but for what it hears."""

    async def scenario() -> None:
        early, answered, said = noise(25, 8), noise(25, 9), noise(25, 10)
        async with AudioStage(tmp_path) as stage:
            await stage.sipp(
                stage.first, script.expect("INVITE"), script.reply("183 Session Progress", script.STREAM), script.speak(), script.pause(1500),
                script.reply("503 Service Unavailable", retransmitted=True), script.expect("ACK"), voice=early,
            )  # fmt: skip
            await stage.sipp(stage.second, script.answer(script.STREAM), script.speak(), script.be_hung_up_on(), voice=answered)
            await stage.sipp(stage.dialer, script.call(script.STREAM), script.speak(), script.pause(2000), script.hang_up(), voice=said)
            await stage.all_ended()
            heard = stage.wire.heard_by(stage.dialer)
            assert b"".join(packet.payload for packet in heard) == early + answered
            assert len({(packet.ssrc, packet.source, packet.payload_type) for packet in heard}) == 1
            assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in pairwise(heard))
            steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(heard)]
            whole = len(early) // FRAME
            assert set(steps[: whole - 1] + steps[whole:]) == {FRAME}
            pause_s = heard[whole].at - heard[whole - 1].at
            assert abs(steps[whole - 1] / 8000 - pause_s) < 0.25, "the clock went on while nobody spoke"
            assert b"".join(packet.payload for packet in stage.wire.heard_by(stage.second)) == said
            told = bodies(stage.messages(stage.dialer), "SIP/2.0 183", "SIP/2.0 200")
            assert len(told) >= 2
            assert len(set(told)) == 1, "what the dialer was told stands"
            assert [(attempt.gateway, attempt.status) for attempt in stage.node.attempts()] == [("first/main", 503), ("second/main", 200)]

    asyncio.run(scenario())


@pytest.mark.verify
def test_a_phone_that_transfers_leaves_the_others_in_conversation(tmp_path: Path) -> None:
    """baresip REFERs SIPp's echo to another baresip, which hears itself in it."""

    async def scenario() -> None:
        voices = sweep(10, 300, 1500), sweep(10, 3400, 1700)
        files = [save_wav(tmp_path / f"voice{i}.wav", voice) for i, voice in enumerate(voices)]
        async with (
            AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE, second=FROM_ANYWHERE) as stage,
            stage.baresip(stage.dialer, files[0]) as phone, stage.baresip(stage.second, files[1], number=TARGET) as target,
        ):  # fmt: skip
            await stage.sipp(stage.first, script.answer(script.ECHO), script.answer_again(script.ECHO, "sendrecv", 2), script.be_hung_up_on(), echo=True)
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(1)
            phone.tell("transfer", f"sip:{TARGET}@{stage.at}")
            await until(lambda: target.saw("CALL_ESTABLISHED") == 1, 20, "the target answers")
            await until(lambda: phone.saw("CALL_CLOSED") == 1, 20, "who transferred is let go")
            began = len(stage.wire.heard_by(stage.dialer))
            await asyncio.sleep(1.5)
            await target.hang_up()
            await stage.all_ended()
            assert len(stage.wire.heard_by(stage.dialer)) == began
            assert likeness(load_wav(phone.dump("dec")), voices[0]) > 0.99
            assert likeness(load_wav(target.dump("dec")), voices[1]) > 0.99

    asyncio.run(scenario())


@pytest.mark.verify
def test_a_phone_hears_early_media_of_one_carrier_and_the_answer_of_another(tmp_path: Path) -> None:
    """baresip sees one stream too, and writes down both voices."""

    async def scenario() -> None:
        voices = [sweep(1.2, 300, 1500), sweep(1.2, 3400, 1700)]
        file = save_wav(tmp_path / "voice.wav", sweep(10, 500, 600))
        async with AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE) as stage, stage.baresip(stage.dialer, file) as phone:
            await stage.sipp(
                stage.first, script.expect("INVITE"), script.reply("183 Session Progress", script.STREAM), script.pause(100), script.speak(), script.pause(1400),
                script.reply("503 Service Unavailable", retransmitted=True), script.expect("ACK"), voice=coded(voices[0]),
            )  # fmt: skip
            await stage.sipp(stage.second, script.answer(script.STREAM), script.speak(), script.be_hung_up_on(), voice=coded(voices[1]))
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(1.7)
            await phone.hang_up()
            await stage.all_ended()
            heard = stage.wire.heard_by(stage.dialer, 0)
            assert len({packet.ssrc for packet in heard}) == 1
            assert all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in pairwise(heard))
            early, answered = (load_wav(dump) for dump in sorted(phone.dumps.glob("*-dec.wav")))  # it begins a new file with the 200
            assert likeness(early, voices[0]) > 0.99
            assert likeness(answered, voices[1]) > 0.99

    asyncio.run(scenario())
