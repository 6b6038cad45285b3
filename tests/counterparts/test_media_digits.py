"""Keys on their way from one far end to another that wants them otherwise: RFC 4733 events, SIP INFO and tones, pressed and told by SIPp and baresip.

Tones are read by multimon-ng, events by baresip, INFO by SIPp's scenario.
"""

import asyncio
import os
import re
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts import sipp_script as script
from tests.counterparts.audio_stage import FROM_ANYWHERE, NUMBER, AudioStage
from tests.counterparts.phones import until
from tests.counterparts.serving import needs, unable
from tests.counterparts.sounds import coded, mu_law, save_wav, sweep

pytestmark = pytest.mark.counterpart

CAPTURES = Path("/usr/share/sip-tester")
"RFC 4733 events of the payload type 101, one key in a file, as a gateway once sent them: its three ends share a sequence number."
EVENT = 101


EVENTS = "a=rtpmap:101 telephone-event/8000"
KEYS = "0123456789*#ABCD"
"By number of the event (RFC 4733 section 3.2)."
TONES = {"7": (852, 1209), "2": (697, 1336)}
"Frequencies in Hz (ITU-T Q.23)."


def may_play_captures() -> None:
    """SIPp plays captures over a raw socket."""
    if os.geteuid():
        unable("SIPp plays packet captures as root alone")


def tones_in(coded: bytes, folder: Path) -> str:
    """The keys multimon-ng hears in mu-law audio."""
    samples = mu_law(coded)
    raw = folder / "heard.raw"
    raw.write_bytes(np.interp(np.arange(len(samples) * 22050 // 8000) * 8000 / 22050, np.arange(len(samples)), samples).astype(np.int16).tobytes())
    told = subprocess.run([needs("multimon-ng"), "-q", "-a", "DTMF", "-t", "raw", str(raw)], capture_output=True, text=True, check=True, timeout=120).stdout
    return "".join(re.findall(r"^DTMF: (\S)$", told, re.MULTILINE))


def info(key: str) -> str:
    """A scenario's step: an INFO with this key comes, and is answered."""
    return (
        '  <recv request="INFO">\n    <action>\n'
        '      <ereg regexp="application/dtmf-relay" search_in="hdr" header="Content-Type:" check_it="true" assign_to="seen"/>\n'
        f'      <ereg regexp="Signal=[{key}]" search_in="msg" check_it="true" assign_to="seen"/>\n    </action>\n  </recv>\n' + script.reply("200 OK")
    )


USED = '  <Reference variables="seen"/>\n'


def press(key: str, cseq: int, kind: str = "application/dtmf-relay") -> str:
    """A scenario's step: press a key by INFO."""
    body = f"Signal={key}\nDuration=120\n" if kind.endswith("relay") else key
    return script.ask("INFO", cseq, body, kind) + script.hear(200)


def test_events_reach_a_carrier_that_wants_info(tmp_path: Path) -> None:
    """SIPp plays captured events; SIPp's other side, which knows none, is told each key once, by INFO."""
    may_play_captures()

    async def scenario() -> None:
        async with AudioStage(tmp_path, first="digits: info") as stage:
            await stage.sipp(stage.first, script.answer(script.ECHO, "0"), info("1"), info("*"), script.be_hung_up_on(), USED)
            captures = [step for key in ("1", "star") for step in (script.play(str(CAPTURES / f"dtmf_2833_{key}.pcap")), script.pause(1000))]
            await stage.sipp(stage.dialer, script.call(script.ECHO), *captures, script.hang_up())
            await stage.all_ended()
            assert len(stage.wire.said_by(stage.dialer, EVENT)) == 20
            assert not stage.wire.heard_by(stage.first, EVENT)
            assert EVENTS in next(message for message in stage.messages(stage.dialer) if "\nSIP/2.0 200" in message), "who is asked for events is told so"

    asyncio.run(scenario())


def test_info_reaches_a_phone_that_wants_events(tmp_path: Path) -> None:
    """SIPp presses by INFO, of both kinds; baresip is pressed by events, and tells the keys."""

    async def scenario() -> None:
        file = save_wav(tmp_path / "voice.wav", sweep(8, 300, 1500))
        async with AudioStage(tmp_path, dialer="digits: info", first=FROM_ANYWHERE) as stage, stage.baresip(stage.first, file) as carrier:
            keys = [press("4", 2), script.pause(300), press("#", 3, "application/dtmf"), script.pause(300), press("11", 4), script.pause(1500)]
            await stage.sipp(stage.dialer, script.call(script.ECHO, "0"), *keys, script.hang_up(), echo=True)
            await until(lambda: len(carrier.digits()) == 3, 20, "baresip tells three keys")
            await stage.all_ended()
            assert carrier.digits() == "4##"
            assert not any(EVENTS in message for message in stage.messages(stage.dialer)), "who named no events is told of none"

    asyncio.run(scenario())


@pytest.mark.parametrize("carrier", ["audio", pytest.param("event", marks=pytest.mark.verify)])
def test_keys_of_a_phone_reach_a_carrier_as_it_wants_them(tmp_path: Path, carrier: str) -> None:
    """baresip presses keys as events. Where the carrier wants audio it has tones, in which multimon-ng reads the same keys, and no event."""
    needs("multimon-ng")

    async def scenario() -> None:
        file = save_wav(tmp_path / "voice.wav", np.zeros(8000 * 8, np.int16))
        async with AudioStage(tmp_path, phone=True, dialer=FROM_ANYWHERE, first=f"digits: {carrier}") as stage, stage.baresip(stage.dialer, file) as phone:
            await stage.sipp(stage.first, script.answer(script.ECHO, "0" if carrier == "audio" else "0 101"), script.be_hung_up_on(), echo=True)
            await phone.registered()
            await phone.dial(NUMBER)
            await asyncio.sleep(0.3)
            for key in "159#":
                phone.tell("sndcode", key)
                await asyncio.sleep(0.35)
            await asyncio.sleep(1)
            await phone.hang_up()
            await stage.all_ended()
            assert stage.wire.said_by(stage.dialer, EVENT)
            audio = b"".join(packet.payload for packet in stage.wire.heard_by(stage.first, 0))
            keys = {packet.timestamp: KEYS[packet.payload[0]] for packet in stage.wire.heard_by(stage.first, EVENT)}
            assert (tones_in(audio, tmp_path), "".join(keys.values())) == (("159#", "") if carrier == "audio" else ("", "159#"))

    asyncio.run(scenario())


@pytest.mark.verify
def test_info_becomes_tones_for_a_carrier_that_wants_audio(tmp_path: Path) -> None:
    needs("multimon-ng")

    async def scenario() -> None:
        async with AudioStage(tmp_path, first="digits: audio") as stage:
            await stage.sipp(stage.first, script.answer(script.ECHO, "0"), script.be_hung_up_on())
            keys = [step for cseq, key in enumerate("0*7D", 2) for step in (press(key, cseq), script.pause(300))]
            await stage.sipp(stage.dialer, script.call(script.STREAM), script.speak(), *keys, script.hang_up(), voice=b"\xff" * 160 * 100)
            await stage.all_ended()
            assert tones_in(b"".join(packet.payload for packet in stage.wire.heard_by(stage.first, 0)), tmp_path) == "0*7D"

    asyncio.run(scenario())


@pytest.mark.parametrize("carrier", ["event", pytest.param("info", marks=pytest.mark.verify)])
def test_tones_of_a_dialer_without_events_reach_a_carrier_as_it_wants_them(tmp_path: Path, carrier: str) -> None:
    """SIPp plays tones, and knows no events; baresip is pressed by events and tells the keys, or SIPp is by INFO. multimon-ng hears no tone there."""
    needs("multimon-ng")

    async def scenario() -> None:
        voice = np.zeros(8000 * 2, np.int16)
        for index, key in enumerate("72"):
            low, high = TONES[key]
            t = np.arange(800) / 8000
            voice[4000 + 4000 * index :][:800] = 6000 * (np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t))
        file = save_wav(tmp_path / "silence.wav", np.zeros(8000 * 8, np.int16))
        assert tones_in(coded(voice), tmp_path) == "72", "multimon-ng reads them where they are"
        async with AudioStage(tmp_path, dialer="digits: audio", first=f"digits: {carrier}, {FROM_ANYWHERE}", studio=True) as stage, AsyncExitStack() as more:
            if carrier == "event":
                phone = await more.enter_async_context(stage.baresip(stage.first, file))
            else:
                await stage.sipp(stage.first, script.answer(script.ECHO, "0"), info("7"), info("2"), script.be_hung_up_on(), USED)
            await stage.sipp(stage.dialer, script.call(script.STREAM, "0"), script.speak(), script.pause(3500), script.hang_up(), voice=coded(voice))
            if carrier == "event":
                await until(lambda: len(phone.digits()) >= 2, 20, "baresip tells two keys")
                assert phone.digits() == "72"
            await stage.all_ended()
            heard = stage.wire.heard_by(stage.first, 0)
            assert len(heard) > 50
            assert tones_in(b"".join(packet.payload for packet in heard), tmp_path) == ""

    asyncio.run(scenario())
