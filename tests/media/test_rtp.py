import struct

from hypothesis import example, given
from hypothesis import strategies as st

from trunkline.media.rtp import (
    Extension,
    Malformed,
    Packet,
    is_rtcp,
    is_rtp,
    parse_rtp,
    payload_bounds,
    sequence_distance,
    timestamp_distance,
)

PLAIN = bytes.fromhex("80e0 1234 decafbad cafebabe".replace(" ", "")) + b"\xd5" * 160
"A G.711 packet with marker: payload type 96, sequence 0x1234."

packets = st.builds(
    Packet,
    # With the marker set, types 64 to 95 read as RTCP on a shared port, and RFC 5761 forbids them there.
    st.one_of(st.integers(0, 63), st.integers(96, 127)),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.integers(0, 0xFFFF_FFFF),
    st.binary(max_size=200),
    st.booleans(),
    st.lists(st.integers(0, 0xFFFF_FFFF), max_size=15).map(tuple),
    st.one_of(st.none(), st.builds(Extension, st.integers(0, 0xFFFF), st.binary(max_size=8).map(lambda some: some * 4))),
    st.integers(0, 255),
)


def test_reads_every_field_of_the_fixed_header() -> None:
    assert parse_rtp(PLAIN) == Packet(96, 0x1234, 0xDECAFBAD, 0xCAFEBABE, b"\xd5" * 160, marker=True)


def test_reads_contributors_extension_and_padding() -> None:
    data = bytes.fromhex("b2000001000000020000000300000004000000051000000111223344") + b"abc" + b"\0\0\x03"
    assert parse_rtp(data) == Packet(0, 1, 2, 3, b"abc", False, (4, 5), Extension(0x1000, b"\x11\x22\x33\x44"), 3)


@given(packets)
def test_what_is_built_reads_back(packet: Packet) -> None:
    data = packet.encode()
    assert parse_rtp(data) == packet
    assert parse_rtp(memoryview(bytearray(data))) == packet


def test_a_header_built_here_is_what_struct_says() -> None:
    data = Packet(8, 7, 6, 5, b"x", marker=True).encode()
    assert data == struct.pack("!BBHII", 0x80, 0x88, 7, 6, 5) + b"x"


def test_faults_are_values_with_reasons() -> None:
    assert parse_rtp(b"") == Malformed("shorter than an RTP header")
    assert parse_rtp(b"\x40" + PLAIN[1:]) == Malformed("not RTP version 2")
    assert parse_rtp(b"\x80\xc8" + PLAIN[2:]) == Malformed("RTCP, not RTP")
    for data in (b"\x8f" + PLAIN[1:12], b"\x90" + PLAIN[1:12], b"\xa0" + PLAIN[1:12], b"\xa0" + PLAIN[1:12] + b"\x00", b"\xa0" + PLAIN[1:12] + b"\x02"):
        assert parse_rtp(data) == Malformed("CSRC list, extension or padding runs past the packet")


def test_an_extension_longer_than_the_packet_is_refused() -> None:
    assert isinstance(parse_rtp(b"\x90" + PLAIN[1:12] + b"\xbe\xde\xff\xff" + b"\0" * 8), Malformed)


@given(st.binary(max_size=80), st.integers(0, 255))
@example(b"\x80" + bytes(11), 0x80)
def test_any_bytes_are_a_packet_or_a_fault(data: bytes, first: int) -> None:
    for one in (data, bytes([0x80 | first & 0x3F]) + data):
        read = parse_rtp(one)
        assert isinstance(read, Packet | Malformed)
        if isinstance(read, Packet):
            assert is_rtp(one)
            assert len(read.encode()) == len(one)


def test_rtcp_on_the_same_port_is_told_apart() -> None:
    report = bytes.fromhex("80c90001deadbeef")
    assert is_rtcp(report)
    assert not is_rtp(report + bytes(8))
    assert is_rtp(PLAIN)
    assert not is_rtcp(PLAIN)
    assert not is_rtp(b"\x16\xfe\xff" + bytes(20)), "DTLS"
    assert not is_rtp(b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)), "STUN"


@given(packets)
def test_bounds_of_the_payload_need_no_parse(packet: Packet) -> None:
    data = packet.encode()
    bounds = payload_bounds(data)
    assert bounds is not None
    assert data[slice(*bounds)] == packet.payload


@given(st.integers(0, 0xFFFF_FFFF), st.integers(-32_768, 32_767))
def test_distances_hold_across_the_wrap(start: int, step: int) -> None:
    assert sequence_distance((start + step) & 0xFFFF, start & 0xFFFF) == step
    assert timestamp_distance((start + step) & 0xFFFF_FFFF, start) == step


def test_a_field_out_of_range_is_a_bug_of_ours() -> None:
    for packet in (Packet(128, 0, 0, 0), Packet(0, 65_536, 0, 0), Packet(0, 0, 0, 0, csrcs=(1 << 32,)), Packet(0, 0, 0, 0, extension=Extension(0, b"x"))):
        try:
            packet.encode()
        except ValueError:
            continue
        raise AssertionError(packet)
