"""Calls whose audio a node carries: real RTP on both sides of a served node, over the relay and over rtpengine."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import pytest

from tests.counterparts.phones import until
from tests.counterparts.serving import ServedNode, missing
from tests.counterparts.talkers import Talker, TalkingStage
from tests.media.rtpengine_daemon import PROGRAM, RunningDaemon
from trunkline.facts.record import LegAudio

pytestmark = pytest.mark.counterpart

POLICY = """
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}, media: {{digits: {dialer_digits}}}}}
carriers:
  first: {{gateways: {{main: {{host: "{first}:5060", options: 0, timers: {{no_answer: 20}}}}}}}}
  second: {{gateways: {{main: {{host: "{second}:5060", options: 0}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: first}}, {{to: second}}]}}
"""


class Stage(TalkingStage):
    def __init__(self, folder: Path, engine: str, media: str, dialer_digits: str = "event") -> None:
        second = ("0 96", 96) if engine == "relay" else ("0 101", 101)  # rtpengine 10.5 drops events whose number changes (docs/media.md)
        super().__init__(folder, POLICY, f'[media]\nengine = "{engine}"\n{media}\n', second, dialer_digits=dialer_digits)
        self.engine = engine

    def connect(self) -> None:
        """The dialer calls, the first carrier answers."""
        self.dialer.call("14155550123", self.at)
        self.first.audio.heed(self.first.expect("INVITE").body)
        self.first.reply("200 OK", self.first.audio.sdp())
        self.dialer.audio.heed(self.dialer.expect("200").body)
        self.first.expect("ACK")

    async def hang_up(self, carrier: Talker) -> None:
        self.dialer.ask("BYE")
        carrier.serve("BYE")
        self.dialer.expect("200")
        await until(self.node.is_clean, 20, "node clean")

    def talk(self, *pairs: tuple[Talker, Talker]) -> None:
        """What one side says the other hears, bit by bit."""
        for speaker, listener in pairs:
            said = speaker.audio.say(10, pace_s=0.004)
            assert [packet.payload for packet in listener.audio.hear(10)] == said


@contextmanager
def engine_settings(engine: str, folder: Path) -> Iterator[str]:
    if engine == "relay":
        yield "timeout_s = 30.0"
        return
    if PROGRAM is None:
        missing("rtpengine is not installed (make counterparts)")
    daemon = RunningDaemon(folder)
    daemon.start()
    try:
        yield f'digit_log = "{daemon.digit_log[0]}:{daemon.digit_log[1]}"\n[[media.daemon]]\nhost = "127.0.0.1"\nport = {daemon.port}'
    finally:
        daemon.kill()


@pytest.fixture(params=["relay", "rtpengine"])
def media(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    with engine_settings(request.param, tmp_path) as settings:
        yield request.param, settings


def test_audio_passes_bit_by_bit_and_is_on_record(tmp_path: Path, media: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", *media) as stage:
            stage.connect()
            dialer, first = stage.dialer, stage.first
            assert first.host not in str(dialer.audio.target), "the dialer is told an address of the node's"
            stage.talk((dialer, first), (first, dialer))
            await stage.hang_up(first)

            def audio() -> dict[int, LegAudio]:
                return {fact.leg: fact for fact in stage.node.facts() if isinstance(fact, LegAudio)}

            await until(lambda: len(audio()) == 2, 20, "both legs on record")
            heard = audio()
            assert (heard[0].received, heard[1].received) == (10, 10)
            assert (heard[0].party, heard[1].party) == ("dialer", "first/main")
            assert heard[0].codec.upper() == "PCMU"
            assert heard[1].first_ms is not None

    asyncio.run(scenario())


def test_hold_and_resume_are_renegotiated_with_our_addresses(tmp_path: Path, media: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", *media) as stage:
            stage.connect()
            dialer, first = stage.dialer, stage.first
            before = first.audio.target
            for direction, answered in (("sendonly", "recvonly"), ("sendrecv", "sendrecv")):
                dialer.audio.version += 1
                dialer.ask("INVITE", dialer.audio.sdp(direction))
                offer = first.expect("INVITE")
                first.audio.heed(offer.body)
                assert first.audio.target == before
                assert f"a={direction}".encode() in offer.body
                first.audio.version += 1
                first.reply("200 OK", first.audio.sdp(answered))
                answer = dialer.expect("200")
                assert f"a={answered}".encode() in answer.body
                first.expect("ACK")
            stage.talk((dialer, first), (first, dialer))
            await stage.hang_up(first)
            (record,) = stage.node.records()
            assert record.holds == 1

    asyncio.run(scenario())


def test_failover_after_early_media_keeps_the_dialers_sdp_and_one_unbroken_stream(tmp_path: Path, media: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", *media) as stage:
            dialer, first, second = stage.dialer, stage.first, stage.second
            dialer.call("14155550123", stage.at)
            first.audio.heed(first.expect("INVITE").body)
            first.reply("183 Session Progress", first.audio.sdp())
            early = dialer.expect("183").body
            dialer.audio.heed(early)
            said = first.audio.say(10, pace_s=0.004)
            before = dialer.audio.hear(10)
            assert [packet.payload for packet in before] == said
            first.reply("503 Service Unavailable")
            second.audio.heed(second.expect("INVITE").body)
            second.reply("200 OK", second.audio.sdp())
            assert dialer.expect("200").body == early, "what the dialer was told stands"
            second.expect("ACK")
            said = second.audio.say(10, pace_s=0.004)
            after = dialer.audio.hear(10)
            assert [packet.payload for packet in after] == said
            if stage.engine == "relay":  # rtpengine 10.5 passes the carrier's own stream on (docs/media.md)
                whole = before + after
                assert len({packet.ssrc for packet in whole}) == 1
                assert all((later.sequence - earlier.sequence) & 0xFFFF == 1 for earlier, later in pairwise(whole))
            stage.talk((dialer, second))
            await stage.hang_up(second)
            assert [(attempt.gateway, attempt.status) for attempt in stage.node.attempts()] == [("first/main", 503), ("second/main", 200)]

    asyncio.run(scenario())


def test_a_late_offer_is_anchored_too(tmp_path: Path, media: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", *media) as stage:
            dialer, first = stage.dialer, stage.first
            dialer.call("14155550123", stage.at, b"")
            assert first.expect("INVITE").body == b""
            first.reply("200 OK", first.audio.sdp())
            while True:
                heard = dialer.hear()
                if heard.what == "200":
                    break
            dialer.audio.heed(heard.body)
            dialer.dialog |= {"to": heard.get("To"), "uri": heard.get("Contact").strip("<>")}
            dialer.ask("ACK", dialer.audio.sdp())
            first.audio.heed(first.expect("ACK").body)
            assert first.audio.target[0] != dialer.host
            stage.talk((dialer, first), (first, dialer))
            await stage.hang_up(first)

    asyncio.run(scenario())


def test_keys_reach_a_dialer_that_wants_them_by_info(tmp_path: Path, media: tuple[str, str]) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", *media, dialer_digits="info") as stage:
            stage.connect()
            dialer, first = stage.dialer, stage.first
            stage.talk((first, dialer))
            first.audio.press(5)
            info = dialer.serve("INFO")
            assert info.get("Content-Type") == "application/dtmf-relay"
            assert b"Signal=5" in info.body
            await stage.hang_up(first)

    asyncio.run(scenario())


def test_both_sides_silent_for_too_long_ends_the_call(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", "relay", "timeout_s = 0.5") as stage:
            stage.connect()
            stage.talk((stage.dialer, stage.first), (stage.first, stage.dialer))
            for talker in (stage.dialer, stage.first):
                talker.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            (record,) = stage.node.records()
            assert (record.refusal, record.released_by) == ("media.timeout", "trunkline")

    asyncio.run(scenario())


def _children(node: ServedNode) -> list[str]:
    """Processes the node has started, oldest first."""
    assert node.process is not None
    return subprocess.run(["pgrep", "-P", str(node.process.pid)], capture_output=True, text=True, check=True).stdout.split()


def _sockets(pid: str) -> list[str]:
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            found.append(os.readlink(fd))
    return [link for link in found if link.startswith("socket:")]


def test_a_relay_worker_that_dies_ends_its_calls_and_the_next_one_goes_through(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "node", "relay", "") as stage:
            held = len(_sockets(_children(stage.node)[0]))
            stage.connect()
            workers = _children(stage.node)
            os.kill(int(workers[0]), signal.SIGKILL)
            for talker in (stage.dialer, stage.first):
                talker.serve("BYE")
            await until(stage.node.is_clean, 20, "node clean")
            assert stage.node.records()[0].refusal == "media.lost"
            await until(lambda: len(_children(stage.node)) == len(workers), 20, "another worker in its place")
            await until(lambda: len(_sockets(_children(stage.node)[-1])) >= held, 60, "it has leased as many ports ahead")
            await asyncio.sleep(0.5)  # and says so
            for talker in (stage.dialer, stage.first):
                talker.dialog = {}
            stage.connect()
            stage.talk((stage.dialer, stage.first), (stage.first, stage.dialer))
            await stage.hang_up(stage.first)

    asyncio.run(scenario())
