"""RTCP through the relay."""

import socket
from collections.abc import Iterator

import pytest

from tests.media.conftest import Driver, relay_driver
from tests.media.engine_suite import connect
from tests.media.far_ends import HEARD_S, Phone, phones
from trunkline.media import Delete, MediaAnswer, MediaOffer
from trunkline.media.relay.control import passed_on
from trunkline.media.rewrite import OutgoingStream
from trunkline.media.rtcp import Chunk, Goodbye, ReportBlock, SenderReport, SourceDescription, encode_rtcp, parse_rtcp

CARRIER, CALLER, OTHER = 0xAAAA, 0xBBBB, 0xCCCC
COMPOUND = encode_rtcp(
    (
        SenderReport(CARRIER, 1 << 40, 1600, 10, 1600, (ReportBlock(CALLER, 3, 5, 700, 9), ReportBlock(0xDEAD, 1, 1, 1, 1))),
        SourceDescription((Chunk(CARRIER, ((1, b"carrier"),)),)),
        Goodbye((CARRIER,)),
    )
)


def stream(*ssrcs: int, ssrc: int = 0) -> OutgoingStream:
    """A stream that has carried one packet of each source."""
    made = OutgoingStream(ssrc or ssrcs[0], 1, 1600)
    for at, source in enumerate(ssrcs):
        assert made.forward(bytearray(b"\x80" + bytes(171)), 1, 1600, source, float(at))
    return made


def test_while_a_stream_has_one_source_its_reports_pass_byte_for_byte() -> None:
    assert passed_on(COMPOUND, CARRIER, None, CALLER, None, 0.0) == COMPOUND


def test_reports_about_a_joined_stream_speak_of_that_stream() -> None:
    joined = stream(OTHER, CARRIER)
    out = parse_rtcp(passed_on(COMPOUND, CARRIER, joined, CALLER, stream(CALLER), 0.5))
    assert isinstance(out, tuple)
    report, description = out  # the BYE is left out: the stream goes on
    assert isinstance(report, SenderReport)
    assert (report.ssrc, report.packets, report.octets) == (OTHER, 2, 320)
    assert report.rtp_timestamp == joined.timestamp + 4000, "half a second after the newest packet"
    assert report.blocks == (ReportBlock(CALLER, 3, 5, 700, 9),), "the block about nobody we know is left out"
    assert description == SourceDescription((Chunk(OTHER, ((1, b"carrier"),)),))


def test_reports_on_a_joined_stream_reach_its_present_source() -> None:
    ours = stream(CALLER, CALLER + 1)
    data = encode_rtcp((SenderReport(CARRIER, 1, 1, 1, 1, (ReportBlock(CALLER, 3, 5, 700, 9),)),))
    out = parse_rtcp(passed_on(data, CARRIER, None, CALLER + 1, ours, 0.0))
    assert isinstance(out, tuple)
    assert isinstance(out[0], SenderReport)
    assert out[0].blocks[0].ssrc == CALLER + 1


def test_what_is_no_compound_is_not_translated() -> None:
    assert passed_on(b"\x80\xc8\xff\xff" + bytes(8), CARRIER, stream(OTHER, CARRIER), CALLER, None, 0.0) == b""


@pytest.fixture
def relay() -> Iterator[Driver]:
    with relay_driver() as driver:
        yield driver


@pytest.mark.sockets
@pytest.mark.parametrize("shared", [False, True])
def test_reports_pass_on_their_own_port_and_on_a_shared_one(relay: Driver, shared: bool) -> None:
    caller, carrier, stranger = Phone(), Phone(), Phone("127.0.0.2")
    extra = "a=rtcp-mux\r\n" if shared else ""
    with phones(caller, carrier, stranger):
        carrier.heed(relay.offer(MediaOffer("c", 1, caller.sdp(extra=extra))))
        caller.heed(relay.answer(MediaAnswer("c", 0, carrier.sdp(extra=extra), 1)))
        for speaker, listener in ((caller, carrier), (carrier, caller)):
            speaker.say(2, pace_s=0.001)
            listener.hear(2)
            report = encode_rtcp((SenderReport(speaker.ssrc, 1 << 40, speaker.timestamp, 2, 320),))
            host, port = speaker.target
            out, into = (speaker.rtp, listener.rtp) if shared else (speaker.rtcp, listener.rtcp)
            where = (host, port) if shared else (host, port + 1)
            into.settimeout(HEARD_S)
            out.sendto(report, where)
            assert into.recv(2048) == report
            stranger.rtcp.sendto(report, where)
            into.settimeout(0.1)
            with pytest.raises(TimeoutError):
                into.recv(2048)


@pytest.mark.sockets
def test_after_a_failover_the_callers_reports_still_make_sense(relay: Driver) -> None:
    caller, first, second = Phone(), Phone(), Phone()
    with phones(caller, first, second):
        call = connect(relay, caller, first, early=True)
        first.say(3, pace_s=0.005)
        (heard, *_) = caller.hear(3)
        relay.command(Delete(call, 1))
        connect(relay, caller, second, call=call, leg=2)
        second.say(3, pace_s=0.005)
        caller.hear(3)
        second.rtcp.sendto(encode_rtcp((SenderReport(second.ssrc, 1 << 40, second.timestamp, 3, 480),)), (second.target[0], second.target[1] + 1))
        caller.rtcp.settimeout(HEARD_S)
        report = parse_rtcp(caller.rtcp.recv(2048))
        assert isinstance(report, tuple)
        assert isinstance(report[0], SenderReport)
        assert (report[0].ssrc, report[0].packets) == (heard.ssrc, 6)


@pytest.mark.sockets
def test_a_closed_far_end_does_not_disturb_the_leg(relay: Driver) -> None:
    """The kernel reports the far end's ICMP error on our socket; audio towards it is lost, audio from it is not."""
    caller, carrier = Phone(), Phone()
    with phones(caller, carrier):
        connect(relay, caller, carrier)
        carrier.say(3, pace_s=0.001)
        caller.hear(3)
        port = caller.rtp.getsockname()
        caller.rtp.close()
        carrier.say(5, pace_s=0.005)
        caller.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        caller.rtp.bind(port)
        said = carrier.say(3, pace_s=0.005)
        assert [packet.payload for packet in caller.hear(2)] in (said[:2], said[1:])
