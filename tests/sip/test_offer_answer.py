"""Offers and answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from trunkline.sip.fault import Fault
from trunkline.sip.offer_answer import (
    GLARE,
    OVERLAP,
    TRANSITIONS,
    UNASKED,
    Carrier,
    Move,
    Negotiation,
    Role,
    State,
    Terms,
    answer,
    held,
    make_offer,
    resumed,
)
from trunkline.sip.sdp import DIRECTIONS, Connection, Session, parse_sdp

TERMS = Terms("192.0.2.1", 20_000, ("PCMA", "PCMU"), session_id="77")


def offer(*lines: str) -> Session:
    parsed = parse_sdp("\n".join(["v=0", "o=- 1 1 IN IP4 a", "s=-", "c=IN IP4 198.51.100.1", "t=0 0", *lines]).encode())
    assert isinstance(parsed, Session)
    return parsed


def answered(theirs: Session, terms: Terms = TERMS) -> Session:
    ours = answer(theirs, terms)
    assert isinstance(ours, Session), ours
    assert parse_sdp(ours.encode()) == ours
    assert len(ours.media) == len(theirs.media)
    return ours


def test_an_offer_lists_our_codecs_in_our_order() -> None:
    ours = make_offer(replace(TERMS, codecs=("opus", "PCMA", "unheard-of"), rtcp_mux=True, direction="sendonly"))
    assert isinstance(ours, Session)
    assert parse_sdp(ours.encode()) == ours
    (media,) = ours.media
    assert media.formats == ("111", "8", "101")
    assert (media.telephone_event, media.ptime_ms, media.rtcp_mux, media.direction) == (101, 20, True, "sendonly")
    assert ours.connection == Connection("192.0.2.1")


def test_an_offer_of_nothing_is_our_own_fault() -> None:
    fault = make_offer(replace(TERMS, codecs=("unheard-of",)))
    assert isinstance(fault, Fault)
    assert fault.status == 500


def test_an_ipv6_address_says_so() -> None:
    ours = make_offer(replace(TERMS, address="2001:db8::1", telephone_event=False))
    assert isinstance(ours, Session)
    assert b"c=IN IP6 2001:db8::1\r\n" in ours.encode()
    assert b"telephone-event" not in ours.encode()


def test_an_answer_keeps_their_payload_types_and_our_order() -> None:
    ours = answered(
        offer(
            "m=audio 5 RTP/AVP 0 18 96 101", "a=rtpmap:96 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=ptime:30"
        )
    )
    (media,) = ours.media
    assert media.formats == ("96", "0", "101")
    assert (media.port, media.ptime_ms, media.rtcp_mux, media.direction) == (20_000, 30, False, "sendrecv")
    assert ours.origin.id == "77"


def test_telephone_events_are_answered_only_at_the_clock_of_a_chosen_codec() -> None:
    lines = ["m=audio 5 RTP/AVP 0 110 101", "a=rtpmap:110 telephone-event/48000", "a=rtpmap:101 telephone-event/8000"]
    assert answered(offer(*lines)).media[0].formats == ("0", "101")
    assert answered(offer(*lines), replace(TERMS, telephone_event=False)).media[0].formats == ("0",)


def test_every_section_but_one_is_refused() -> None:
    ours = answered(
        offer(
            "m=video 7 RTP/AVP 31", "m=audio 0 RTP/AVP 0", "m=audio 9 RTP/SAVP 0", "m=audio 5 RTP/AVP 18",
            "m=audio 5 RTP/AVP 0", "m=audio 6 RTP/AVP 0",
        )
    )  # fmt: skip
    assert [media.port for media in ours.media] == [0, 0, 0, 0, 20_000, 0]
    assert ours.media[0].formats == ("31",)


@pytest.mark.parametrize("lines", [(), ("m=audio 5 RTP/AVP 18",), ("m=audio 5 RTP/SAVP 0",), ("m=image 5 udptl t38",)])
def test_nothing_in_common_is_488(lines: tuple[str, ...]) -> None:
    fault = answer(offer(*lines), TERMS)
    assert isinstance(fault, Fault)
    assert fault.status == 488


def test_rtcp_mux_needs_both_sides() -> None:
    theirs = offer("m=audio 5 RTP/AVP 0", "a=rtcp-mux")
    assert not answered(theirs).media[0].rtcp_mux
    assert answered(theirs, replace(TERMS, rtcp_mux=True)).media[0].rtcp_mux
    assert not answered(offer("m=audio 5 RTP/AVP 0"), replace(TERMS, rtcp_mux=True)).media[0].rtcp_mux


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("sendrecv", "sendrecv", "sendrecv"),
        ("sendonly", "sendrecv", "recvonly"),
        ("recvonly", "sendrecv", "sendonly"),
        ("inactive", "sendrecv", "inactive"),
        ("sendrecv", "sendonly", "sendonly"),
        ("sendonly", "sendonly", "inactive"),
        ("recvonly", "recvonly", "inactive"),
        ("sendrecv", "inactive", "inactive"),
    ],
)
def test_an_answer_never_takes_more_than_was_offered(theirs: str, ours: str, expected: str) -> None:
    answer_session = answered(offer("m=audio 5 RTP/AVP 0", f"a={theirs}"), replace(TERMS, direction=ours))
    assert answer_session.media[0].direction == expected


def test_the_null_address_of_old_is_answered_as_hold() -> None:
    assert answered(offer("m=audio 5 RTP/AVP 0", "c=IN IP4 0.0.0.0")).media[0].direction == "recvonly"


def test_hold_and_resume_are_new_versions_of_our_description() -> None:
    ours = answered(offer("m=video 7 RTP/AVP 31", "m=audio 5 RTP/AVP 0"))
    on_hold = held(ours)
    assert [on_hold.direction_of(media) for media in on_hold.media] == ["sendrecv", "sendonly"]
    assert on_hold.origin.version == ours.origin.version + 1
    assert held(on_hold).media[1].direction == "sendonly"
    back = resumed(on_hold)
    assert back.media == ours.media
    assert back.origin.version == ours.origin.version + 2


@given(st.sampled_from(DIRECTIONS))
def test_a_held_side_receives_nothing(direction: str) -> None:
    ours = answered(offer("m=audio 5 RTP/AVP 0"), replace(TERMS, direction=direction))
    assert held(ours).media[0].direction in ("sendonly", "inactive")


def test_the_table_answers_every_move_in_every_state() -> None:
    assert set(TRANSITIONS) == set(State)
    assert all(set(row) == set(Move) for row in TRANSITIONS.values())


def test_an_offer_is_answered_once() -> None:
    dialog = Negotiation()
    assert dialog.local_answer() == UNASKED
    assert dialog.local_offer() is None
    assert dialog.local_answer() == UNASKED
    assert dialog.remote_answer() is None
    assert dialog.state is State.STABLE
    assert dialog.remote_answer() == UNASKED
    assert dialog.remote_offer() is None
    assert dialog.local_answer() is None
    assert dialog.state is State.STABLE


def test_two_offers_at_once_are_glare_and_two_of_one_side_overlap() -> None:
    dialog = Negotiation()
    dialog.local_offer()
    assert dialog.remote_offer() == GLARE
    assert dialog.local_offer() == OVERLAP
    dialog = Negotiation()
    dialog.remote_offer()
    assert dialog.local_offer() == GLARE
    assert dialog.remote_offer() == OVERLAP
    assert (GLARE.status, OVERLAP.status) == (491, 500)


def test_a_refused_offer_falls_back_to_what_was_agreed() -> None:
    dialog = Negotiation()
    dialog.remote_offer()
    dialog.refused()
    assert dialog.state is State.IDLE
    dialog.local_offer()
    dialog.remote_answer()
    dialog.remote_offer()
    dialog.refused()
    assert dialog.state is State.STABLE


def test_the_message_says_what_a_description_is() -> None:
    dialog = Negotiation()
    assert dialog.role_of(Carrier.INVITE, ours=True) is Role.OFFER
    dialog.local_offer()
    assert dialog.role_of(Carrier.UNRELIABLE_PROVISIONAL, ours=False) is Role.PREVIEW
    assert dialog.role_of(Carrier.RELIABLE_PROVISIONAL, ours=False) is Role.ANSWER
    dialog.remote_answer()
    assert dialog.role_of(Carrier.INVITE_SUCCESS, ours=False) is Role.PREVIEW
    assert dialog.role_of(Carrier.PRACK, ours=True) is Role.OFFER
    assert dialog.role_of(Carrier.UPDATE, ours=False) is Role.OFFER
    assert dialog.role_of(Carrier.ACK, ours=True) is Role.PREVIEW


def test_a_late_offer_comes_in_the_response_and_is_answered_in_the_ack() -> None:
    dialog = Negotiation()
    assert dialog.role_of(Carrier.INVITE_SUCCESS, ours=False, late=True) is Role.OFFER
    dialog.remote_offer()
    assert dialog.role_of(Carrier.ACK, ours=True) is Role.ANSWER
    assert dialog.role_of(Carrier.PRACK, ours=True) is Role.ANSWER
