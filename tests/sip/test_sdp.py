"""Session descriptions, whole and on the call path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.sdp import (
    Codec,
    Connection,
    Media,
    Origin,
    Session,
    direction_of,
    filter_codecs,
    first_codec,
    parse_sdp,
)

CALL = (
    b"v=0\r\no=- 29739 7272939 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.4\r\nt=0 0\r\na=x-odd: kept \xff\r\n"
    b"m=audio 49217 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\n"
    b"a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
)


def session(body: bytes) -> Session:
    parsed = parse_sdp(body)
    assert isinstance(parsed, Session), parsed
    return parsed


def test_a_call_is_read_in_full() -> None:
    parsed = session(CALL)
    assert parsed.origin == Origin("29739", 7272939, "192.0.2.3")
    assert parsed.connection == Connection("192.0.2.4")
    (audio,) = parsed.media
    assert parsed.audio is audio
    assert (audio.kind, audio.port, audio.proto, audio.formats) == ("audio", 49217, "RTP/AVP", ("0", "8", "18", "101"))
    assert audio.codecs == (
        Codec(0, "PCMU"),
        Codec(8, "PCMA"),
        Codec(18, "G729", fmtp="annexb=no"),
        Codec(101, "telephone-event", fmtp="0-16"),
    )
    assert (audio.telephone_event, audio.ptime_ms, audio.rtcp_mux, audio.direction) == (101, 20, False, "sendrecv")


def test_lines_nobody_knows_go_out_as_they_came_in() -> None:
    assert session(CALL).encode() == CALL
    assert session(CALL.replace(b"\r\n", b"\n")).encode() == CALL
    assert session(CALL[:-2]).encode() == CALL


def test_static_payload_types_need_no_rtpmap() -> None:
    (media,) = session(b"v=0\no=- 1 1 IN IP4 a\ns=\nm=audio 5 RTP/AVP 18 9 97 200 x").media
    assert [codec.rtpmap for codec in media.codecs] == ["G729/8000", "G722/8000"]


def test_an_rtpmap_may_say_channels_and_clock() -> None:
    (media,) = session(
        b"v=0\no=- 1 1 IN IP4 a\ns=-\nm=audio 5/2 UDP/TLS/RTP/SAVPF 111 110 101\na=rtpmap:111 opus/48000/2\n"
        b"a=rtpmap:110 telephone-event/48000\na=rtpmap:101 telephone-event/8000\na=rtcp-mux\na=ptime:2.5\n"
    ).media
    assert media.codecs[0] == Codec(111, "opus", 48_000, 2)
    assert media.codecs[0].rtpmap == "opus/48000/2"
    assert (media.telephone_event, media.rtcp_mux, media.ptime_ms, media.port_count) == (101, True, 2, 2)


def test_fax_has_no_codecs() -> None:
    (media,) = session(b"v=0\no=- 1 1 IN IP4 a\ns=-\nm=image 5 udptl t38").media
    assert (media.codecs, media.telephone_event, session(CALL).audio is None) == ((), None, False)


@pytest.mark.parametrize(
    ("top", "section", "expected"),
    [
        (b"", b"", "sendrecv"),
        (b"a=sendonly\n", b"", "sendonly"),
        (b"a=sendonly\n", b"a=recvonly\n", "recvonly"),
        (b"", b"c=IN IP4 0.0.0.0\n", "sendonly"),
        (b"c=IN IP4 0.0.0.0\n", b"", "sendonly"),
        (b"c=IN IP4 0.0.0.0\n", b"c=IN IP4 192.0.2.1\n", "sendrecv"),
        (b"c=IN IP6 ::\n", b"a=recvonly\n", "inactive"),
        (b"", b"a=inactive\n", "inactive"),
        (b"c=IN IP4 0.0.0.0\n", b"a=sendonly\n", "sendonly"),
    ],
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_both_readers_agree_on_the_direction(top: bytes, section: bytes, expected: str, end: bytes) -> None:
    body = b"v=0\no=- 1 1 IN IP4 a\ns=-\n" + top + b"t=0 0\nm=audio 5 RTP/AVP 0\n" + section + b"m=video 7 RTP/AVP 31\n"
    body = body.replace(b"\n", end)
    parsed = session(body)
    assert parsed.direction_of(parsed.media[0]) == expected
    assert direction_of(body) == expected


def test_a_refused_audio_section_is_inactive() -> None:
    assert direction_of(CALL.replace(b"49217", b"0")) == "inactive"


def test_a_direction_is_stated_once() -> None:
    (audio,) = session(CALL).media
    held = audio.with_direction("inactive")
    assert held.direction == "inactive"
    assert sum(value in ("sendrecv", "inactive") for _, value in held.lines) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"v=1",
        b"v=0",
        b"v=0\nnonsense",
        b"v=0\ns=-",
        b"v=0\no=- 1 IN IP4 a",
        b"v=0\no=- 1 x IN IP4 a",
        b"v=0\no=- 1 1 IN IP4 a\nm=audio",
        b"v=0\no=- 1 1 IN IP4 a\nm=audio 65536 RTP/AVP 0",
        b"v=0\no=- 1 1 IN IP4 a\nm=audio 5 RTP/AVP",
        b"v=0\no=- 1 1 IN IP4 a\n\nm=audio 5 RTP/AVP 0",
        b"v=0\no=- 1 1 IN IP4 a\na=x\x00y",
        b"v=0\no=- 1 1 IN IP4 a\na=x\ry",
        b"v=0\no=- 1 1 IN IP4 a\n" + b"m=audio 5 RTP/AVP 0\n" * 17,
        b"v=0\no=- 1 1 IN IP4 a\n" + b"a=x\n" * 1000,
        b"v=0\no=- 1 1 IN IP4 a\na=" + b"x" * 65_536,
    ],
)
def test_what_is_no_description_or_too_large_is_a_fault(body: bytes) -> None:
    assert isinstance(parse_sdp(body), Fault)


@pytest.mark.parametrize(
    ("body", "codec"),
    [
        (CALL, "PCMU"),
        (CALL.replace(b" 0 8 18 101", b" 101 18"), "G729"),
        (b"v=0\r\nm=audio 5 RTP/AVP 96 0\r\na=rtpmap:96 opus/48000/2\r\n", "opus"),
        (b"v=0\nm=audio 5 RTP/AVP 96 13\nm=audio 7 RTP/AVP 96\na=rtpmap:96 opus/48000/2\n", ""),
        (b"v=0\nm=image 5 udptl t38\n", ""),
        (b"", ""),
    ],
)
def test_the_first_codec_is_found_without_a_full_parse(body: bytes, codec: str) -> None:
    assert first_codec(body) == codec


def test_nothing_to_filter_gives_back_the_same_object() -> None:
    assert filter_codecs(CALL, ("PCMU", "pcma", "G729")) is CALL
    fax = b"v=0\r\nm=image 5 udptl t38\r\n"
    assert filter_codecs(fax, ("PCMU",)) is fax
    assert filter_codecs(b"junk", ("PCMU",)) == b"junk"


def test_filtering_removes_formats_with_their_attributes_and_follows_the_policy() -> None:
    filtered = filter_codecs(CALL, ("opus", "G729", "PCMU"))
    assert filtered == CALL.replace(b" 0 8 18 101", b" 18 0 101").replace(b"a=rtpmap:8 PCMA/8000\r\n", b"")
    filtered = filter_codecs(CALL.replace(b"\r\n", b"\n"), ("PCMA",))
    assert filtered is not None
    assert b"m=audio 49217 RTP/AVP 8 101\n" in filtered
    assert b"G729" not in filtered
    assert b"annexb" not in filtered
    assert filtered.endswith(b"a=fmtp:101 0-16\na=ptime:20\na=sendrecv\n")


def test_nothing_shared_filters_to_nothing() -> None:
    assert filter_codecs(CALL, ("opus",)) is None
    assert filter_codecs(CALL, ()) is None


def test_other_sections_are_left_alone_when_filtering() -> None:
    video = b"m=video 7 RTP/AVP 0 31\r\na=rtpmap:0 X/90000\r\n"
    speex = b"m=audio 9 RTP/AVP 97\r\na=rtpmap:97 speex/8000\r\n"
    filtered = filter_codecs(CALL + video + speex, ("PCMU",))
    assert filtered is not None
    assert filtered.endswith(video + speex.replace(b" 9 ", b" 0 "))
    assert b"m=audio 49217 RTP/AVP 0 101\r\n" in filtered


WORD = st.from_regex(r"[A-Za-z0-9.+/-]{1,8}", fullmatch=True)
VALUE = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=20)
LINES = st.lists(st.tuples(st.sampled_from("abciktz"), VALUE), max_size=5).map(tuple)
MEDIA = st.builds(
    Media,
    WORD,
    st.integers(0, 65_535),
    WORD,
    st.lists(WORD, min_size=1, max_size=5).map(tuple),
    LINES,
    st.integers(1, 4),
)
ORIGIN = st.builds(Origin, WORD, st.integers(0, 2**64), WORD, WORD, WORD, WORD)


@given(st.builds(Session, ORIGIN, st.lists(MEDIA, max_size=4).map(tuple), LINES, VALUE))
def test_a_session_survives_writing_and_reading(value: Session) -> None:
    assert parse_sdp(value.encode()) == value


FRAGMENT = st.sampled_from(
    [b"v=0\n", b"o=- 1 1 IN IP4 a\r\n", b"s=-\n", b"m=audio 5 RTP/AVP 0 8 96 101\r\n", b"m=audio 0 RTP/AVP 0\n",
     b"m=video 7 RTP/AVP 31\n", b"a=rtpmap:96 opus/48000/2\n", b"a=rtpmap:101 telephone-event/8000\n", b"a=rtpmap:x\n",
     b"a=fmtp:96 x\n", b"a=fmtp:\n", b"a=sendonly\n", b"a=ptime:-1\n", b"c=IN IP4 0.0.0.0\n", b"c=IN\n", b"a=\xff\n"]
)  # fmt: skip


@given(st.binary() | st.lists(FRAGMENT, max_size=12).map(b"".join))
def test_any_bytes_are_a_session_or_a_fault(body: bytes) -> None:
    first_codec(body)
    assert direction_of(body) in ("sendrecv", "sendonly", "recvonly", "inactive")
    filtered = filter_codecs(body, ("opus", "PCMA"))
    parsed = parse_sdp(body)
    if isinstance(parsed, Session):
        assert parse_sdp(parsed.encode()) == parsed
        for media in parsed.media:
            assert isinstance((media.codecs, media.telephone_event, media.ptime_ms, media.rtcp_mux), tuple)
            parsed.direction_of(media)
        assert filtered is None or isinstance(parse_sdp(filtered), Session)


@given(st.permutations(["0", "8", "96", "101"]), st.permutations(["PCMU", "PCMA", "opus"]), st.integers(1, 3))
def test_filtering_agrees_with_the_full_parse(formats: list[str], allowed: list[str], count: int) -> None:
    body = (
        f"v=0\r\no=- 1 1 IN IP4 a\r\ns=-\r\nm=audio 5 RTP/AVP {' '.join(formats)}\r\n"
        "a=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:96 useinbandfec=1\r\n"
    ).encode()
    filtered = filter_codecs(body, tuple(allowed[:count]))
    assert filtered is not None
    (media,) = session(filtered).media
    assert [codec.name for codec in media.codecs] == [*allowed[:count], "telephone-event"]
    assert (b"useinbandfec" in filtered) == ("opus" in allowed[:count])
    assert first_codec(filtered) == allowed[0]


def test_a_long_transport_name_is_looked_at_once() -> None:
    body = b"v=0\nm=audio 5 " + b"RTP/" * 16_000
    assert first_codec(body) == ""
    assert filter_codecs(body, ("PCMU",)) is body
