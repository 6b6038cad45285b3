import math

from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.rtcp import (
    CNAME,
    Application,
    Chunk,
    Goodbye,
    Other,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    encode_rtcp,
    ntp_middle,
    ntp_time,
    parse_rtcp,
    round_trip_s,
)
from trunkline.media.rtcp_xr import ExtendedReport, ReportOfType, VoipMetrics, in_256ths
from trunkline.media.rtp import Malformed, is_rtcp

u8, u16, u32 = st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
words = st.binary(max_size=5).map(lambda some: some * 4)
blocks = st.lists(st.builds(ReportBlock, u32, u8, st.integers(-0x80_0000, 0x7F_FFFF), u32, u32, u32, u32), max_size=4).map(tuple)
reports = st.one_of(
    st.builds(SenderReport, u32, st.integers(0, (1 << 64) - 1), u32, u32, u32, blocks, words),
    st.builds(ReceiverReport, u32, blocks, words),
)
chunks = st.builds(Chunk, u32, st.lists(st.tuples(st.integers(1, 255), st.binary(max_size=30)), max_size=3).map(tuple))
voip = st.builds(
    VoipMetrics, u32, u8, u8, u8, u8, u16, u16, u16, u16, st.integers(-128, 127), st.integers(-128, 127), u8, u8, u8, u8, u8, u8, u8, u16, u16, u16
)
others = st.one_of(
    st.builds(SourceDescription, st.lists(chunks, max_size=3).map(tuple)),
    st.builds(Goodbye, st.lists(u32, max_size=4).map(tuple), st.binary(max_size=20)),
    st.builds(Application, st.integers(0, 31), u32, st.binary(min_size=4, max_size=4), words),
    st.builds(Other, st.sampled_from([205, 206, 192, 223]), st.integers(0, 31), words),
    st.builds(ExtendedReport, u32, st.lists(st.one_of(voip, st.builds(ReportOfType, st.integers(8, 255), u8, words)), max_size=3).map(tuple)),
)


@given(reports, st.lists(others, max_size=4))
def test_any_compound_reads_back(first: SenderReport | ReceiverReport, rest: list[Other]) -> None:
    data = encode_rtcp([first, *rest])
    assert is_rtcp(data)
    assert parse_rtcp(data) == (first, *rest)


def test_a_sender_report_by_the_figure_of_rfc_3550_section_6_4_1() -> None:
    data = bytes.fromhex(
        "81c8000c" "00000001" "83aa7e80" "80000000" "000003e8" "00000002" "00000140"
        "0000000a" "40ffffff" "00010005" "00000007" "7e808000" "00010000"
    )  # fmt: skip
    report = SenderReport(1, 0x83AA7E80_80000000, 1000, 2, 320, (ReportBlock(10, 64, -1, 0x1_0005, 7, 0x7E808000, 65_536),))
    assert parse_rtcp(data) == (report,)
    assert encode_rtcp([report]) == data


def test_a_cname_ends_in_nulls_to_the_word() -> None:
    for name, size in ((b"a", 8), (b"ab", 12), (b"abc", 12)):
        described = SourceDescription((Chunk(9, ((CNAME, name),)),))
        data = encode_rtcp([ReceiverReport(9), described])
        assert len(data) == 8 + 4 + size
        assert parse_rtcp(data) == (ReceiverReport(9), described)


def test_voip_metrics_lie_where_rfc_3611_section_4_7_draws_them() -> None:
    metrics = VoipMetrics(
        0x01020304, 5, 6, 7, 8, 0x0900, 0x0A00, 0x0B00, 0x0C00, -20, -60, 30, 16, 93, 127, 44, 43, 0b1011_0000, 40, 60, 80
    )
    data = encode_rtcp([ExtendedReport(0xAABBCCDD, (metrics,))])
    assert data == bytes.fromhex("80cf000a aabbccdd 07000008 01020304 05060708 09000a00 0b000c00 ecc41e10 5d7f2c2b b0000028 003c0050")
    assert parse_rtcp(data, reduced=True) == (ExtendedReport(0xAABBCCDD, (metrics,)),)
    assert parse_rtcp(data) == Malformed("a compound begins with a report")


def test_shares_in_256ths() -> None:
    assert [in_256ths(share) for share in (0.0, 0.5, 1.0, 1 / 256)] == [0, 128, 255, 1]


def test_ntp_time_of_the_unix_epoch_and_a_half_second() -> None:
    assert ntp_time(0.5) == 0x83AA7E80_80000000
    assert ntp_middle(0x83AA7E80_80000000) == 0x7E808000


def test_round_trip_by_the_example_of_rfc_3550_figure_2() -> None:
    """SR at 0xb44db705:20000000, RR back 6.125 s later at 0xb710:8000, held for 5.250 s."""
    block = ReportBlock(1, 0, 0, 0, 0, last_sr=0xB705_2000, delay_since_last_sr=0x0005_4000)
    measured = round_trip_s(block, 0xB44D_B710_8000_0000 & 0xFFFF_FFFF_FFFF_FFFF)
    assert measured == 0xB710_8000 / 65_536 - 0xB705_2000 / 65_536 - 5.25 == 6.125


def test_no_round_trip_without_a_sender_report_or_with_impossible_numbers() -> None:
    assert round_trip_s(ReportBlock(1, 0, 0, 0, 0), ntp_time(5.0)) is None
    sent = ntp_middle(ntp_time(5.0))
    assert round_trip_s(ReportBlock(1, 0, 0, 0, 0, sent, 65_536), ntp_time(5.5)) is None
    measured = round_trip_s(ReportBlock(1, 0, 0, 0, 0, sent, 16_384), ntp_time(5.5))
    assert measured is not None
    assert math.isclose(measured, 0.25)


def test_faults_of_a_compound() -> None:
    good = encode_rtcp([ReceiverReport(1)])
    assert parse_rtcp(b"") == Malformed("empty")
    assert parse_rtcp(good[:3]) == Malformed("rest shorter than an RTCP header")
    assert parse_rtcp(good[:6]) == Malformed("length runs past the datagram")
    assert parse_rtcp(b"\x40" + good[1:]) == Malformed("not RTCP version 2")
    assert parse_rtcp(b"\x80\x00" + good[2:]) == Malformed("packet type outside RTCP's range")
    assert parse_rtcp(b"\x81" + good[1:]) == Malformed("receiver report shorter than its count")
    assert parse_rtcp(b"\xa0" + good[1:] + good) == Malformed("padding before the last packet")
    assert parse_rtcp(b"\xa0\xc9\0\2\0\0\0\1\0\0\0\5") == Malformed("bad padding")
    assert parse_rtcp(b"\xa0\xc9\0\2\0\0\0\1\0\0\0\4") == (ReceiverReport(1),)
    assert parse_rtcp(good + b"\x81\xca\0\1\0\0\0\1") == Malformed("source description shorter than its count")
    assert parse_rtcp(good + b"\x81\xca\0\2\0\0\0\1\1\5ab") == Malformed("item runs past its chunk")
    assert parse_rtcp(good + b"\x80\xcb\0\1\5abc") == Malformed("reason runs past the BYE")
    assert parse_rtcp(good + b"\x80\xcf\0\2\0\0\0\1\7\0\0\1") == Malformed("block runs past the extended report")


@given(st.binary(max_size=120), st.integers(0, 255), st.integers(192, 223), st.booleans())
def test_any_bytes_are_packets_or_a_fault(data: bytes, first: int, kind: int, reduced: bool) -> None:
    framed = bytes([0x80 | first & 0x3F, kind]) + (len(data) // 4).to_bytes(2) + data[: len(data) // 4 * 4]
    for one in (data, framed, encode_rtcp([ReceiverReport(1)]) + framed):
        read = parse_rtcp(one, reduced=reduced)
        assert isinstance(read, Malformed) or parse_rtcp(encode_rtcp(read), reduced=reduced) == read


def test_a_count_out_of_range_is_a_bug_of_ours() -> None:
    for packet in (ReceiverReport(1 << 32), Goodbye(tuple(range(32))), Application(0, 1, b"abcd", b"x"), ReceiverReport(1, extension=b"abc")):
        try:
            encode_rtcp([packet])
        except ValueError:
            continue
        raise AssertionError(packet)
