from trunkline.media.sdp_media import Anchor, anchored, read_side
from trunkline.sip.sdp import Origin, Session, parse_sdp

OFFER = b"""v=0
o=dialer 7 9 IN IP4 10.1.1.1
s=call
c=IN IP4 10.1.1.1
t=0 0
a=ice-lite
a=group:BUNDLE 0
m=audio 4000 RTP/SAVP 8 0 111 101
i=speech
b=AS:80
a=rtpmap:111 opus/48000/2
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=rtcp:4007 IN IP4 10.1.1.2
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz
a=candidate:1 1 UDP 1 10.1.1.1 4000 typ host
a=ptime:30
a=sendonly
a=x-kept:by us
m=video 4002 RTP/AVP 31
"""


def session(text: bytes = OFFER) -> Session:
    read = parse_sdp(text)
    assert isinstance(read, Session)
    return read


def test_a_side_is_what_media_needs_and_no_more() -> None:
    side = read_side(session())
    assert side is not None
    assert (side.address, side.port, side.rtcp_address, side.rtcp_port, side.rtcp_mux) == ("10.1.1.1", 4000, "10.1.1.2", 4007, False)
    assert (side.secure, side.ptime_ms, side.direction, side.sends, side.receives) == (True, 30, "sendonly", True, False)
    assert side.crypto == ("1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",)
    assert side.telephone_event == 101
    assert side.voice is not None
    assert side.voice.name == "PCMA"
    opus = side.codec(111)
    assert opus is not None
    assert opus.rate == 48_000
    assert side.codec(3) is None


def test_rtcp_goes_one_port_up_or_with_rtp() -> None:
    plain = read_side(session(OFFER.replace(b"a=rtcp:4007 IN IP4 10.1.1.2\n", b"")))
    assert plain is not None
    assert (plain.rtcp_address, plain.rtcp_port) == ("10.1.1.1", 4001)
    shared = read_side(session(OFFER.replace(b"a=ptime:30", b"a=rtcp-mux")))
    assert shared is not None
    assert (shared.rtcp_port, shared.rtcp_mux, shared.ptime_ms) == (4000, True, 20)
    broken = read_side(session(OFFER.replace(b"rtcp:4007", b"rtcp:99999")))
    assert broken is not None
    assert broken.rtcp_port == 4001


def test_telephone_events_on_the_clock_of_the_voice_come_first() -> None:
    wide = OFFER.replace(b"SAVP 8 0 111 101", b"SAVP 111 101 102").replace(b"a=fmtp:101 0-16", b"a=rtpmap:102 telephone-event/48000")
    side = read_side(session(wide))
    assert side is not None
    assert side.telephone_event == 102


def test_without_audio_there_is_no_side() -> None:
    assert read_side(session(OFFER.replace(b"audio 4000", b"audio 0"))) is None
    assert read_side(session(OFFER.split(b"m=audio")[0])) is None


def test_an_anchored_description_points_at_us_and_keeps_the_rest() -> None:
    made = anchored(session(), [Anchor("192.0.2.1", 30_000)], Origin("1", 1, "192.0.2.1"))
    assert made.encode().decode().splitlines() == [
        "v=0",
        "o=- 1 1 IN IP4 192.0.2.1",
        "s=call",
        "c=IN IP4 192.0.2.1",
        "t=0 0",
        "m=audio 30000 RTP/AVP 8 0 111 101",
        "i=speech",
        "c=IN IP4 192.0.2.1",
        "b=AS:80",
        "a=rtpmap:111 opus/48000/2",
        "a=rtpmap:101 telephone-event/8000",
        "a=fmtp:101 0-16",
        "a=ptime:30",
        "a=x-kept:by us",
        "a=sendonly",
        "m=video 0 RTP/AVP 31",
    ]


def test_keys_mux_and_direction_are_ours_to_say() -> None:
    anchor = Anchor("2001:db8::1", 30_000, "IP6", 30_009, True, ("1 AES_CM_128_HMAC_SHA1_80 inline:abc",), "inactive")
    text = anchored(session(OFFER.replace(b"RTP/SAVP", b"RTP/AVPF")), [anchor]).encode().decode()
    assert "m=audio 30000 RTP/SAVPF 8" in text
    for line in ("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc", "a=rtcp-mux", "a=rtcp:30009", "a=inactive", "c=IN IP6 2001:db8::1"):
        assert f"\n{line}\r\n" in text
    assert "WVNf" not in text
    assert "sendonly" not in text
    side = read_side(session(text.encode()))
    assert side is not None
    assert (side.address, side.port, side.direction) == ("2001:db8::1", 30_000, "inactive")


def test_a_hold_by_null_address_becomes_a_direction() -> None:
    held = session(OFFER.replace(b"c=IN IP4 10.1.1.1", b"c=IN IP4 0.0.0.0").replace(b"a=sendonly\n", b""))
    side = read_side(session(anchored(held, [Anchor("192.0.2.1", 30_000)]).encode()))
    assert side is not None
    assert (side.address, side.direction) == ("192.0.2.1", "sendonly")


def test_a_refused_section_stays_refused() -> None:
    made = anchored(session(OFFER.replace(b"audio 4000", b"audio 0")), [Anchor("192.0.2.1", 30_000)])
    assert [media.port for media in made.media] == [0, 0]
