"""Transfers of calls whose audio is ours: who is left hears who came, and nobody hears what is over."""

import asyncio
import os
import re
import time
from pathlib import Path

import pytest

from tests.counterparts.phones import until
from tests.counterparts.talkers import Heard, Talker, TalkingStage
from tests.media.far_ends import Phone

pytestmark = pytest.mark.counterpart

POLICY = """
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}, record: {record}}}
carriers:
  first: {{gateways: {{main: {{host: "{first}:5060", options: 0}}}}}}
  second: {{gateways: {{main: {{host: "{second}:5060", options: 0}}}}}}
destinations:
  customers: {{prefixes: ["1"], routes: [{{to: first}}]}}
  experts: {{prefixes: ["4"], routes: [{{to: second}}]}}
"""


class Stage(TalkingStage):
    def __init__(self, folder: Path, record: bool = False) -> None:
        super().__init__(folder, POLICY, '[media]\nengine = "relay"\n', record=str(record).lower())

    def connect(self, number: str, carrier: Talker) -> None:
        self.dialer.call(number, self.at)
        carrier.audio.heed(carrier.expect("INVITE").body)
        carrier.reply("200 OK", carrier.audio.sdp())
        self.dialer.audio.heed(self.dialer.expect("200").body)
        carrier.expect("ACK")

    def renegotiated(self, carrier: Talker) -> None:
        """The node moves a side by a re-INVITE; it answers."""
        offer = carrier.expect("INVITE")
        carrier.audio.heed(offer.body)
        carrier.audio.version += 1
        carrier.reply("200 OK", carrier.audio.sdp(), to=offer)
        carrier.expect("ACK")


def talk(speaker: Phone, listener: Phone) -> None:
    listener.discard()
    said = speaker.say(10, pace_s=0.004)
    assert [packet.payload for packet in listener.hear(10)] == said


def refer(dialer: Talker, target: str) -> None:
    """REFER, and the 202 with its NOTIFYs, until the transfer is reported done."""
    d = dialer.dialog
    dialer.cseq += 1
    dialer.sip.sendto(
        f"REFER {d['uri']} SIP/2.0\r\nVia: SIP/2.0/UDP {dialer.host}:5060;branch=z9hG4bK{os.urandom(4).hex()}\r\nFrom: {d['from']}\r\nTo: {d['to']}\r\n"
        f"Call-ID: {d['id']}\r\nCSeq: {dialer.cseq} REFER\r\nContact: <sip:x@{dialer.host}:5060>\r\nMax-Forwards: 70\r\nRefer-To: <{target}>\r\n"
        f"Content-Length: 0\r\n\r\n".encode(), dialer.to,
    )  # fmt: skip
    assert dialer_hears(dialer).what == "202"


def dialer_hears(dialer: Talker) -> Heard:
    """The next message, repeats of 100 left out; requests are answered."""
    while True:
        heard = dialer.hear()
        if heard.what in ("NOTIFY", "BYE"):
            dialer.reply("200 OK", to=heard)
        if heard.what != "100":
            return heard


def reported(dialer: Talker) -> None:
    """NOTIFYs until one says that the transfer succeeded."""
    while b"200 OK" not in (said := dialer_hears(dialer)).body:
        assert said.what in ("NOTIFY", "BYE"), said.start  # the consultation ends meanwhile


def test_after_a_blind_transfer_customer_and_target_hear_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path) as stage:
            dialer, customer, expert = stage.dialer, stage.first, stage.second
            stage.connect("14155550123", customer)
            talk(dialer.audio, customer.audio)
            refer(dialer, f"sip:442071838750@{stage.at}")
            expert.audio.heed(expert.expect("INVITE").body)
            expert.reply("180 Ringing")
            expert.reply("200 OK", expert.audio.sdp())
            expert.expect("ACK")
            stage.renegotiated(customer)
            reported(dialer)
            dialer.ask("BYE")
            assert dialer_hears(dialer).what == "200"
            time.sleep(0.2)
            talk(customer.audio, expert.audio)
            talk(expert.audio, customer.audio)
            assert dialer.audio.hears_nothing()
            customer.ask("BYE")
            expert.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            first, second = sorted(stage.node.records(), key=lambda record: record.at)
            assert (first.transfers, first.state) == (1, "transferred")
            assert second.called == "+442071838750"

    asyncio.run(scenario())


def test_keys_masked_before_a_transfer_are_masked_after_it_until_somebody_says_otherwise(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path) as stage:
            dialer, customer, expert = stage.dialer, stage.first, stage.second
            stage.connect("14155550123", customer)
            stage.node.ask("mask", call=dialer.dialog["id"])
            refer(dialer, f"sip:442071838750@{stage.at}")
            expert.audio.heed(expert.expect("INVITE").body)
            expert.reply("200 OK", expert.audio.sdp())
            expert.expect("ACK")
            stage.renegotiated(customer)
            reported(dialer)
            time.sleep(0.2)
            talk(customer.audio, expert.audio)
            talk(expert.audio, customer.audio)
            customer.audio.press(4)
            customer.audio.say(5, pace_s=0.004)
            assert not [packet for packet in expert.audio.hear(5) if packet.payload_type == 101]
            assert "caller" in stage.node.ask("mask", call=dialer.dialog["id"], on=False), "the customer is the caller of what is left"
            expert.audio.discard()
            customer.audio.press(6)
            assert [packet for packet in expert.audio.hear(3) if packet.payload_type == 101]
            dialer.ask("BYE")
            assert dialer_hears(dialer).what == "200"
            customer.ask("BYE")
            expert.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")

    asyncio.run(scenario())


def test_after_an_attended_transfer_customer_and_target_hear_each_other(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path) as stage:
            dialer, customer, expert = stage.dialer, stage.first, stage.second
            stage.connect("14155550123", customer)
            first_dialog, first_cseq = dict(dialer.dialog), dialer.cseq
            dialer.tag = os.urandom(4).hex()
            second_audio, dialer.audio = dialer.audio, Phone(dialer.host)
            try:
                stage.connect("442071838750", expert)
                talk(dialer.audio, expert.audio)
                consultation = dict(dialer.dialog)
                to_tag = re.sub(r".*;tag=", "", consultation["to"])
                from_tag = re.sub(r".*;tag=", "", consultation["from"])
                dialer.dialog, dialer.cseq = first_dialog, first_cseq + 10
                refer(dialer, f"sip:442071838750@{stage.at}?Replaces={consultation['id']}%3Bto-tag%3D{to_tag}%3Bfrom-tag%3D{from_tag}")
                stage.renegotiated(customer)
                reported(dialer)
                time.sleep(0.3)
                talk(customer.audio, expert.audio)
                talk(expert.audio, customer.audio)
                assert dialer.audio.hears_nothing()
                customer.ask("BYE")
                expert.serve("BYE")
                dialer.ask("BYE")
                await until(stage.node.is_clean, 20, "node clean")
                first, second = sorted(stage.node.records(), key=lambda record: record.at)
                assert (first.transfers, first.state, second.transfers) == (1, "transferred", 1)
            finally:
                second_audio.close()

    asyncio.run(scenario())
