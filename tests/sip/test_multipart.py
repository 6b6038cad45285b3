"""Bodies of several parts: the session description is found, wherever it is."""

from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.message import Request, parse
from trunkline.sip.multipart import session_description

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ISUP = b"\x01\x00\x49\x00\x00\x03\x02\x00\x07"


def mixed(*parts: tuple[str, bytes], boundary: str = "unique-1", preamble: bytes = b"") -> bytes:
    lines = [b"--%b\r\nContent-Type: %b\r\n\r\n%b\r\n" % (boundary.encode(), kind.encode(), content) for kind, content in parts]
    return preamble + b"".join(lines) + b"--%b--\r\n" % boundary.encode()


def test_sdp_beside_isup_is_read_whatever_the_order() -> None:
    for parts in ((("application/sdp", SDP), ("application/ISUP;version=itu-t92+", ISUP)), (("application/ISUP", ISUP), ("application/sdp", SDP))):
        assert session_description("multipart/mixed;boundary=unique-1", mixed(*parts)) == SDP


def test_a_quoted_boundary_a_preamble_and_compact_part_headers() -> None:
    body = mixed(("application/pidf+xml", b"<presence/>"), ("application/sdp", SDP), boundary="a b'c", preamble=b"for old readers\r\n")
    assert session_description('Multipart/Mixed; charset=x; boundary="a b\'c"', body.replace(b"Content-Type", b"c")) == SDP


def test_sdp_within_an_alternative_is_found_and_nesting_ends() -> None:
    def nested(depth: int) -> tuple[str, bytes]:
        kind, body = "application/sdp", SDP
        for level in range(depth):
            kind, body = f"multipart/alternative;boundary=level{level}", mixed((kind, body), boundary=f"level{level}")
        return kind, body

    assert session_description(*nested(2)) == SDP
    assert session_description(*nested(3)) == b""


def test_no_sdp_no_boundary_and_no_end_give_nothing() -> None:
    assert session_description("multipart/mixed;boundary=unique-1", mixed(("text/plain", b"hello"))) == b""
    assert session_description("multipart/mixed", mixed(("application/sdp", SDP))) == b""
    assert session_description("text/plain", SDP) == b""
    assert session_description("multipart/mixed;boundary=unique-1", b"--unique-1\r\nContent-Type: application/sdp\r\n\r\n" + SDP) == b""


@given(st.binary(max_size=300), st.text(max_size=60))
def test_anything_gives_bytes(body: bytes, kind: str) -> None:
    assert isinstance(session_description(f"multipart/{kind}", body), bytes)


def test_a_request_tells_its_session_description() -> None:
    body = mixed(("application/ISUP", ISUP), ("application/sdp", SDP))
    request = parse(
        b"INVITE sip:x@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:x@h>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
        b"Contact: <sip:a@h>\r\nMax-Forwards: 70\r\nContent-Type: multipart/mixed;boundary=unique-1\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    assert isinstance(request, Request)
    assert request.sdp == SDP
    assert request.body == body
