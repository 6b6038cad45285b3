"""Telephone-events in what is offered and answered between legs that press keys differently."""

import pytest

from trunkline.media.relay.keys import answered_keys, offered_keys
from trunkline.media.sdp_media import Side, read_side
from trunkline.sip.sdp import Session, parse_sdp


def described(formats: str, *maps: str) -> Session:
    lines = "".join(f"a={line}\r\n" for line in maps)
    session = parse_sdp(f"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP {formats}\r\n{lines}a=sendrecv\r\n".encode())
    assert isinstance(session, Session)
    return session


def side(session: Session) -> Side:
    found = read_side(session)
    assert found is not None
    return found


PLAIN = described("0 8")
WITH_EVENTS = described("0 96", "rtpmap:96 telephone-event/8000", "fmtp:96 0-16")


@pytest.mark.parametrize("pressed", ["info", "audio"])
def test_an_offer_to_a_leg_that_wants_events_names_them(pressed: str) -> None:
    told = side(offered_keys(PLAIN, pressed, "event"))
    assert [codec.payload for codec in told.codecs] == [0, 8, 101]
    assert (told.telephone_event, told.direction) == (101, "sendrecv")


def test_the_number_and_the_clock_are_free_and_those_of_the_speech() -> None:
    session = described("101 96", "rtpmap:101 opus/48000/2", "rtpmap:96 iLBC/8000")
    event = side(offered_keys(session, "audio", "event")).codec(97)
    assert event is not None
    assert (event.name, event.rate, event.fmtp) == ("telephone-event", 48_000, "0-15")


@pytest.mark.parametrize(("pressed", "wanted"), [("event", "event"), ("event", "info"), ("event", "audio"), ("info", "info"), ("audio", "audio"), ("audio", "info")])
def test_other_offers_stay_as_they_are(pressed: str, wanted: str) -> None:
    assert offered_keys(PLAIN, pressed, wanted) is PLAIN


def test_events_that_are_named_already_stay_as_they_are() -> None:
    assert offered_keys(WITH_EVENTS, "info", "event") is WITH_EVENTS
    assert answered_keys(WITH_EVENTS, side(WITH_EVENTS), "info", "event") is WITH_EVENTS


@pytest.mark.parametrize("pressed", ["info", "audio"])
def test_who_asked_for_events_is_answered_with_them_though_the_other_knows_none(pressed: str) -> None:
    event = side(answered_keys(described("0"), side(WITH_EVENTS), pressed, "event")).codec(96)
    assert event is not None
    assert (event.name, event.fmtp) == ("telephone-event", "0-16")


def test_whoever_wants_them_passed_on_is_not_answered_with_events_the_other_does_not_know() -> None:
    answer = described("0")
    assert answered_keys(answer, side(WITH_EVENTS), "event", "event") is answer


@pytest.mark.parametrize("wanted", ["info", "audio"])
def test_who_asked_for_none_is_not_answered_with_those_we_asked_for(wanted: str) -> None:
    answer = answered_keys(WITH_EVENTS, side(PLAIN), "event", wanted)
    assert [codec.payload for codec in side(answer).codecs] == [0]
    assert b"96" not in answer.encode()
