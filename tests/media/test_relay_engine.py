"""The relay's engine without its workers: descriptions, leases, and what workers are told."""

import re
from typing import TypeVar

import msgspec

from trunkline.media import Delete, MediaAnswer, MediaFailed, MediaLost, MediaOffer, MediaReady, MediaResult, Query, Side
from trunkline.media.relay import Interface, Relay, RelaySettings
from trunkline.media.relay.protocol import Configure, Lease, Leased, Message, Place, Unleased, WorkerDown, WorkerUp, decode, encode
from trunkline.media.sdes import offer_crypto

Kind = TypeVar("Kind", bound=msgspec.Struct)
CALLER = (
    b"v=0\r\no=dialer 1 1 IN IP4 192.0.2.1\r\ns=call\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8 0 101\r\n"
    b"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=x-mark:1\r\na=sendrecv\r\n"
)
CARRIER = (
    b"v=0\r\no=carrier 9 9 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0 101\r\n"
    b"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)
OTHER = CARRIER.replace(b"198.51.100.1", b"203.0.113.5").replace(b"101", b"96").replace(b"7000", b"9000")
A_LAW_ONLY = CARRIER.replace(b"AVP 0 101", b"AVP 8 101").replace(b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:8 PCMA/8000")
G722_ONLY = CARRIER.replace(b"AVP 0 101", b"AVP 9 101").replace(b"a=rtpmap:0 PCMU/8000", b"a=rtpmap:9 G722/8000")


def said(relay: Relay, kind: type[Kind]) -> list[tuple[int, Kind]]:
    """Everything the relay has to say, and of that the messages of one kind, with the worker's number."""
    found: list[tuple[int, Kind]] = []
    while (data := relay.data_to_send()) is not None:
        message = decode(data[2:])
        assert message is not None
        if isinstance(message, kind):
            found.append((int.from_bytes(data[:2]), message))
    return found


def tell(relay: Relay, worker: int, message: Message, now: float = 0.0) -> None:
    relay.receive_data(worker.to_bytes(2) + encode(message), now)


def running(*, workers: int = 1, ahead: int = 8, address: str = "10.0.0.1", advertised: str = "") -> Relay:
    """A relay whose workers are up and hold the pairs it asked for."""
    relay = Relay(RelaySettings((Interface("out", address, advertised),), workers=workers, leased_ahead=ahead), random_bits=lambda bits: 4711)
    for number in range(workers):
        tell(relay, number, WorkerUp())
    supply(relay)
    return relay


def supply(relay: Relay, first: int = 30_000) -> None:
    for number, wish in said(relay, Lease):
        base = first + number * 1000
        tell(relay, number, Leased(wish.address, tuple(range(base, base + 2 * wish.count, 2))))


def ready(result: MediaResult) -> bytes:
    assert isinstance(result, MediaReady), result
    return result.sdp


def without_origin(sdp: bytes) -> bytes:
    return re.sub(rb"o=[^\r]*\r\n", b"", sdp)


def version(sdp: bytes) -> int:
    found = re.search(rb"o=\S+ \S+ (\d+)", sdp)
    assert found
    return int(found[1])


def test_a_worker_is_configured_and_then_asked_for_pairs() -> None:
    relay = Relay(RelaySettings((Interface("a", "10.0.0.1"), Interface("b", "10.0.0.2")), first_port=100, last_port=200, leased_ahead=6))
    tell(relay, 0, WorkerUp())
    (first, second, third) = (decode((relay.data_to_send() or b"")[2:]) for _ in range(3))
    assert first == Configure(100, 200, 30.0)
    assert (second, third) == (Lease("10.0.0.1", 6), Lease("10.0.0.2", 6))


def test_offer_and_answer_are_answered_in_the_same_step() -> None:
    relay = running(advertised="203.0.113.200")
    offer = ready(relay.offer(MediaOffer("c", 1, CALLER), 0.0))
    assert b"m=audio 30002 RTP/AVP 8 0 101" in offer
    assert b"c=IN IP4 203.0.113.200" in offer
    assert b"a=x-mark:1" in offer
    assert b"192.0.2.1" not in offer, "the dialer's address stays with us"
    answer = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0))
    assert b"m=audio 30000 RTP/AVP 0 101" in answer
    last = {place.leg: place for _, place in said(relay, Place)}
    assert (last[0].host, last[0].rtp_port, last[0].peer, last[0].payload, last[0].event) == ("192.0.2.1", 4000, 1, 0, 101)
    assert (last[1].host, last[1].rtp_port, last[1].rtcp_port, last[1].peer) == ("198.51.100.1", 7000, 7001, 0)
    assert last[0].answered
    assert last[1].answered


def test_the_version_rises_only_when_something_changed() -> None:
    relay = running()
    first = ready(relay.offer(MediaOffer("c", 1, CALLER), 0.0))
    answer = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0))
    refreshed = CALLER.replace(b"dialer 1 1", b"dialer 1 2")
    assert ready(relay.offer(MediaOffer("c", 1, refreshed), 0.0)) == first, "only the caller's own version rose"
    assert ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0)) == answer
    held = ready(relay.offer(MediaOffer("c", 1, CALLER.replace(b"sendrecv", b"sendonly")), 0.0))
    assert without_origin(held) == without_origin(first).replace(b"sendrecv", b"sendonly")
    assert version(held) == version(first) + 1


def test_the_next_attempt_offers_what_was_agreed_and_changes_nothing_for_the_caller() -> None:
    relay = running(ahead=12)
    relay.offer(MediaOffer("c", 1, CALLER), 0.0)
    first = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1, early=True), 0.0))
    relay.command(Delete("c", 1), 0.0)
    offer = ready(relay.offer(MediaOffer("c", 2, CALLER), 0.0))
    assert re.search(rb"m=audio \d+ RTP/AVP 0 101\r\n", offer), "PCMU was agreed, so PCMU it is"
    assert ready(relay.answer(MediaAnswer("c", 0, OTHER, 2), 0.0)) == first
    last = {place.leg: place for _, place in said(relay, Place)}
    assert last[2].payload_types == {101: 96}
    assert last[0].payload_types == {96: 101}
    assert last[0].peer == 2


def test_an_attempt_that_cannot_keep_the_codec_fails() -> None:
    relay = running(ahead=12)
    relay.offer(MediaOffer("c", 1, CALLER), 0.0)
    relay.answer(MediaAnswer("c", 0, CARRIER, 1, early=True), 0.0)
    assert relay.offer(MediaOffer("c", 2, CALLER, Side(codecs=("G722",))), 0.0) == MediaFailed("c", 2, "media.no_shared_codec")
    assert isinstance(relay.offer(MediaOffer("c", 3, CALLER), 0.0), MediaReady)
    assert relay.answer(MediaAnswer("c", 0, G722_ONLY, 3), 0.0) == MediaFailed("c", 0, "media.no_shared_codec")


def test_an_attempt_in_the_other_law_follows_by_a_table_and_the_answer_stands() -> None:
    relay = running(ahead=12)
    relay.offer(MediaOffer("c", 1, CALLER), 0.0)
    first = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1, early=True), 0.0))
    relay.command(Delete("c", 1), 0.0)
    offered = ready(relay.offer(MediaOffer("c", 2, CALLER, Side(codecs=("PCMA",))), 0.0))
    assert b"RTP/AVP 8 101\r\n" in offered
    said(relay, Place)
    assert ready(relay.answer(MediaAnswer("c", 0, A_LAW_ONLY, 2), 0.0)) == first
    placed = {place.leg: place for _, place in said(relay, Place)}
    assert (placed[2].law, placed[2].law_payload, placed[0].payload_types) == ("PCMU", 8, {8: 0})
    assert (placed[0].law, placed[0].law_payload, placed[2].payload_types) == ("PCMA", 0, {0: 8})
    assert (placed[0].worked, placed[2].worked) == (None, None)


def test_codecs_are_cut_to_the_gateways_policy_and_none_shared_is_refused() -> None:
    relay = running()
    assert b"RTP/AVP 0 101" in ready(relay.offer(MediaOffer("c", 1, CALLER, Side(codecs=("PCMU",))), 0.0))
    assert relay.offer(MediaOffer("d", 1, CALLER, Side(codecs=("G729",))), 0.0) == MediaFailed("d", 1, "media.no_shared_codec")


def test_without_pairs_an_offer_is_refused_and_gives_back_what_it_took() -> None:
    relay = running(ahead=2)
    assert isinstance(relay.offer(MediaOffer("c", 1, CALLER), 0.0), MediaReady)
    for wish in said(relay, Lease):
        assert wish == (0, Lease("10.0.0.1", 2))
    assert relay.offer(MediaOffer("d", 1, CALLER), 0.0) == MediaFailed("d", 1, "media.failed")
    tell(relay, 0, Leased("10.0.0.1", (40_000, 40_002)))
    assert isinstance(relay.offer(MediaOffer("d", 1, CALLER), 0.0), MediaReady)
    unreadable = CALLER.replace(b"RTP/AVP", b"RTP/SAVP") + b"a=crypto:1 UNKNOWN inline:AAAA\r\n"
    tell(relay, 0, Leased("10.0.0.1", (50_000, 50_002)))
    before = relay.ready_pairs()
    assert isinstance(relay.offer(MediaOffer("e", 1, unreadable), 0.0), MediaFailed)
    assert relay.ready_pairs() == before


def test_a_worker_that_cannot_bind_is_asked_again_after_a_second() -> None:
    relay = Relay(RelaySettings((Interface("a", "10.0.0.1"),), leased_ahead=4))
    tell(relay, 0, WorkerUp())
    assert said(relay, Lease) == [(0, Lease("10.0.0.1", 4))]
    tell(relay, 0, Unleased("10.0.0.1", 4, "no port free in the range"), now=5.0)
    assert relay.get_timer() == 6.0
    relay.handle_timer(5.5)
    assert said(relay, Lease) == []
    relay.handle_timer(6.0)
    assert said(relay, Lease) == [(0, Lease("10.0.0.1", 4))]
    assert relay.get_timer() is None


def test_calls_are_spread_and_a_dead_worker_takes_only_its_own() -> None:
    relay = running(workers=2, ahead=8)
    for name in "abcd":
        relay.offer(MediaOffer(name, 1, CALLER), 0.0)
    assert [relay.worker_of(name) for name in "abcd"] == [0, 1, 0, 1]
    tell(relay, 0, WorkerDown())
    assert [relay.next_event(), relay.next_event(), relay.next_event()] == [MediaLost("a"), MediaLost("c"), None]
    assert [relay.worker_of(name) for name in "abcd"] == [None, 1, None, 1]
    relay.offer(MediaOffer("e", 1, CALLER), 0.0)
    assert relay.worker_of("e") == 1


def test_keys_of_one_leg_stay_on_that_leg() -> None:
    relay = running()
    (theirs,) = (one for one in offer_crypto() if one.suite == "AES_CM_128_HMAC_SHA1_80")
    secure = CALLER.replace(b"RTP/AVP", b"RTP/SAVP").replace(b"a=sendrecv", b"a=crypto:" + theirs.encode().encode() + b"\r\na=sendrecv")
    offer = ready(relay.offer(MediaOffer("c", 1, secure), 0.0))
    assert b"crypto" not in offer
    assert b"RTP/AVP" in offer
    answer = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0))
    assert b"RTP/SAVP" in answer
    assert answer.count(b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") == 1
    last = {place.leg: place for _, place in said(relay, Place)}
    assert last[1].keys is None
    assert last[0].keys is not None
    assert last[0].keys.theirs == theirs.key
    again = ready(relay.offer(MediaOffer("c", 1, secure), 0.0))
    assert again == offer
    assert ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0)) == answer, "a refresh keeps the keys"


def test_shared_port_for_rtcp_is_settled_leg_by_leg() -> None:
    relay = running()
    offer = ready(relay.offer(MediaOffer("c", 1, CALLER + b"a=rtcp-mux\r\n"), 0.0))
    assert b"a=rtcp-mux" in offer
    answer = ready(relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0))
    assert b"a=rtcp-mux" in answer, "the caller offered it, and the carrier's refusal is the carrier leg's affair"
    last = {place.leg: place for _, place in said(relay, Place)}
    assert (last[0].rtcp_port, last[1].rtcp_port) == (4000, 7001)


def test_from_18x_to_200_one_change_of_source_is_granted() -> None:
    relay = running()
    relay.offer(MediaOffer("c", 1, CALLER, Side(nat=True)), 0.0)
    relay.answer(MediaAnswer("c", 0, CARRIER, 1, early=True), 0.0)
    assert not any(place.relearn for _, place in said(relay, Place))
    relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0)
    assert [place.leg for _, place in said(relay, Place) if place.relearn] == [1]
    relay.answer(MediaAnswer("c", 0, CARRIER, 1), 0.0)
    assert not any(place.relearn for _, place in said(relay, Place))


def test_other_media_and_nonsense_are_refused_and_strangers_ignored() -> None:
    relay = running()
    video = CALLER + b"m=video 5000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    assert b"m=video 0 RTP/AVP 96" in ready(relay.offer(MediaOffer("c", 1, video), 0.0))
    assert relay.offer(MediaOffer("d", 1, b"hello"), 0.0) == MediaFailed("d", 1, "media.failed")
    assert relay.answer(MediaAnswer("d", 0, CARRIER, 1), 0.0) == MediaFailed("d", 0, "media.failed")
    said(relay, Place)
    relay.command(Query("unknown"), 0.0)
    relay.command(Delete("c", 9), 0.0)
    assert relay.data_to_send() is None
    for garbage in (b"", b"\x00", b"\x00\x00", b"\x00\x00\xff", b"\x00\x00\x02rubbish"):
        relay.receive_data(garbage, 0.0)
    assert relay.garbage == 5
    assert relay.next_event() is None
