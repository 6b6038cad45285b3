"""Keys between sides that say them differently: tones on one, INFO or telephone-events on the other, with real RTP."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from tests.counterparts.phones import until
from tests.counterparts.talkers import WAIT_S, TalkingStage
from tests.media.far_ends import FRAME, Packet
from tests.node.test_masking import keys_in, tones
from trunkline.media.g711 import MU_LAW

pytestmark = pytest.mark.counterpart

POLICY = """
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}, media: {{digits: {digits}}}}}
carriers:
  first: {{gateways: {{main: {{host: "{first}:5060", options: 0, media: {{digits: audio}}}}}}}}
  second: {{gateways: {{main: {{host: "{second}:5060", options: 0}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: first}}]}}
"""


class Stage(TalkingStage):
    def __init__(self, folder: Path, digits: str) -> None:
        super().__init__(folder, POLICY, '[media]\nengine = "relay"\n', digits=digits)

    def connect(self) -> str:
        self.dialer.call("14155550123", self.at)
        self.first.audio.heed(self.first.expect("INVITE").body)
        self.first.reply("200 OK", self.first.audio.sdp())
        self.dialer.audio.heed(self.dialer.expect("200").body)
        self.first.expect("ACK")
        (call,) = self.node.ask("calls")
        return str(call["call"])

    def press_tones(self, digits: str) -> None:
        self.first.audio.speak(MU_LAW.encode_bytes(tones(digits)) + bytes([0xFF]) * (10 * FRAME))

    def told(self, keys: int = 0) -> set[str]:
        """Keys the dialer is told of by INFO, as soon as there are so many, and what comes shortly after."""
        signals: set[str] = set()
        with suppress(TimeoutError):
            while True:
                self.dialer.sip.settimeout(0.5 if len(signals) >= keys else WAIT_S)
                signals.add(self.dialer.serve("INFO").body.decode().split()[0])
        self.dialer.sip.settimeout(WAIT_S)
        return signals

    async def hang_up(self) -> None:
        self.dialer.ask("BYE")
        self.first.serve("BYE")
        await until(self.node.is_clean, 20, "node clean")


def test_tones_reach_a_dialer_that_wants_info_until_they_are_masked(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "info") as stage:
            call = stage.connect()
            stage.press_tones("42")
            assert stage.told(2) == {"Signal=4", "Signal=2"}
            stage.node.ask("mask", call=call)
            stage.press_tones("99")
            assert not stage.told()
            await stage.hang_up()

    asyncio.run(scenario())


def test_info_becomes_tones_for_a_carrier_that_hears_nothing_else(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "info") as stage:
            stage.connect()
            stage.first.audio.say(2)
            heard = b""
            for digit in "17":
                stage.dialer.audio.say(2, pace_s=0.02)
                stage.dialer.ask("INFO", f"Signal={digit}\r\nDuration=120\r\n".encode(), "application/dtmf-relay")
                stage.dialer.expect("200")
                heard += b"".join(packet.payload for packet in stage.first.audio.heard(0.6))
            assert keys_in(heard) == "17"
            await stage.hang_up()

    asyncio.run(scenario())


def test_tones_become_events_for_a_dialer_that_wants_those(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "event") as stage:
            stage.connect()
            stage.press_tones("5")
            packets: list[Packet] = []
            stage.dialer.audio.rtp.settimeout(1.0)
            with suppress(TimeoutError):
                while True:
                    packets.append(Packet(stage.dialer.audio.rtp.recv(2048)))
            events = {packet.payload[0] for packet in packets if packet.payload_type == 101}
            assert events == {5}
            await stage.hang_up()

    asyncio.run(scenario())
