"""The rtpengine engine on a virtual clock: lost datagrams, dead daemons, garbage."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.rtpengine_world import OK, READY, SDP, UNKNOWN, World, tags
from trunkline.media import (
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaAnswer,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaStatistics,
    MediaTimeout,
    Play,
    Query,
    SendDigits,
    Side,
    Stop,
    Subscribe,
)
from trunkline.media.rtpengine import Ranges, Rtpengine, Settings
from trunkline.media.rtpengine.bencode import Fault, Value, decode, encode
from trunkline.media.rtpengine.codecs import Choice, choose
from trunkline.media.rtpengine.copy import accept_copy
from trunkline.media.rtpengine.digit_log import Key, read_digit
from trunkline.media.rtpengine.replies import read_reply


def test_an_offer_becomes_ready_when_the_daemon_has_spoken() -> None:
    world = World()
    world.willing()
    assert world.engine.offer(MediaOffer("c", 1, SDP), 0.0) is None
    assert world.events() == []
    world.settle()
    assert world.events() == [MediaReady("c", 1, b"v=0 ours")]


def test_an_unanswered_offer_is_repeated_with_its_cookie_and_fails_at_its_deadline() -> None:
    world = World()
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.run(1.99)
    assert world.asked(b"offer") == pytest.approx([0.0, 0.2, 0.6, 1.4])
    assert len({data for data in world.datagrams if b"5:offer" in data}) == 1
    assert world.events() == []
    world.run(0.02)
    assert world.events() == [MediaFailed("c", 1, "media.failed")]


def test_a_repeat_that_arrives_is_as_good_and_a_second_reply_means_nothing() -> None:
    world = World()
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.run(0.1)
    world.willing()
    world.run(0.2)
    assert world.events() == [MediaReady("c", 1, b"v=0 ours")]
    (offer,) = {data for data in world.datagrams if b"5:offer" in data}
    world.engine.receive_data(offer.partition(b" ")[0] + b" " + encode(READY), world.now)
    assert world.events() == []
    assert world.engine.strays == 1


def test_requests_of_a_call_wait_for_one_another() -> None:
    world = World()
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.engine.offer(MediaOffer("d", 1, SDP), 0.0)
    world.engine.command(Delete("c"), 0.0)
    world.settle()
    assert world.commands() == [b"offer", b"offer"], "another call waits for nobody"
    world.willing()
    world.run(0.3)
    assert world.commands()[-1] == b"delete"


@pytest.mark.parametrize(
    "reply", [UNKNOWN, OK, {b"result": b"error", b"error-reason": b"Failed to parse SDP"}, {b"result": b"load limit"}], ids=str
)
def test_a_reply_without_a_description_fails_the_offer(reply: dict[bytes, Value]) -> None:
    world = World()
    world.answer = lambda request: reply
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.settle()
    assert MediaFailed("c", 1, "media.failed") in world.events()


def test_a_codec_that_is_not_shared_is_refused_without_asking() -> None:
    world = World()
    assert world.engine.offer(MediaOffer("c", 1, SDP, Side(codecs=("G729",))), 0.0) == MediaFailed("c", 1, "media.no_shared_codec")
    assert world.engine.data_to_send() is None


def test_the_codec_policy_orders_what_is_offered() -> None:
    world = World()
    world.willing()
    world.connect(side=Side(codecs=("PCMA",)))
    sdp = world.requests[0][2][b"sdp"]
    assert isinstance(sdp, bytes)
    assert b"RTP/AVP 8 101\r\n" in sdp


def test_sides_become_flags() -> None:
    world = World(inject_digits=True)
    world.willing()
    side = Side(interface="out", secure=True, nat=True, dscp=34, digits="audio")
    world.connect(side=side)
    (_, _, offer), (_, _, answer) = [one for one in world.requests if one[2][b"command"] in (b"offer", b"answer")]
    assert (offer[b"from-tag"], offer[b"to-tag"], offer[b"via-branch"]) == (b"0", b"1", b"1")
    assert (answer[b"from-tag"], answer[b"to-tag"], answer[b"via-branch"]) == (b"0", b"1", b"1")
    assert offer[b"transport-protocol"] == b"RTP/SAVP"
    assert offer[b"TOS"] == 136
    assert offer[b"direction"] == [b"default", b"out"]
    assert offer[b"codec"] == {b"consume": [b"telephone-event"]}
    assert offer[b"flags"] == [b"port latching", b"strict source", b"endpoint-learning-off", b"inject DTMF"], "the caller is not behind NAT"
    assert answer[b"flags"] == [b"port latching", b"strict source", b"endpoint-learning-immediate", b"inject DTMF"], "the leg is"


def test_networks_are_refused_unless_learning_is_allowed() -> None:
    offer = MediaOffer("c", 1, SDP, Side(networks=("192.0.2.0/24",)))
    assert World().engine.offer(offer, 0.0) == MediaFailed("c", 1, "media.failed")
    assert World(ranges=Ranges.LEARN).engine.offer(offer, 0.0) is None


def test_a_daemon_that_knows_the_call_no_more_has_lost_it() -> None:
    world = World()
    world.willing()
    world.connect()
    world.willing(query=UNKNOWN)
    world.run(1)
    assert world.events()[-1] == MediaLost("c")
    assert world.engine.answer(MediaAnswer("c", 0, SDP, 1), world.now) == MediaFailed("c", 0, "media.failed")


def test_a_first_packet_is_told_once_within_a_poll() -> None:
    world = World()
    world.willing(query=tags(leg0=0, leg1=0))
    world.connect()
    world.run(1)
    assert world.events() == []
    world.willing(query=tags(leg0=0, leg1=3))
    world.run(0.25)
    assert world.events() == [FirstPacket("c", 1)]
    world.run(3)
    assert world.events() == []
    world.engine.command(Query("c"), world.now)
    world.settle()
    counted = {event.leg: event for event in world.events() if isinstance(event, MediaStatistics)}
    assert counted[1].first_s == pytest.approx(1.25, abs=0.01)
    assert (counted[1].received, counted[1].sent, counted[0].sent, counted[1].codec, counted[1].final) == (3, 0, 3, "PCMU", False)
    assert counted[0].first_s == -1.0


def test_silence_is_told_once_until_the_leg_is_heard_again() -> None:
    world = World()
    world.willing(query=tags(leg0=5, leg1=5))
    world.connect()
    world.run(60)
    silent = [event for event in world.events() if isinstance(event, MediaTimeout)]
    assert sorted(event.leg for event in silent) == [0, 1]
    assert all(30 <= event.silent_s <= 35.5 for event in silent)
    world.willing(query=tags(leg0=6, leg1=5))
    world.run(60)
    assert [event.leg for event in world.events() if isinstance(event, MediaTimeout)] == [0]


def test_early_media_is_not_expected_to_be_endless() -> None:
    world = World()
    world.willing(query=tags(leg0=0, leg1=5))
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.settle()
    world.engine.answer(MediaAnswer("c", 0, SDP, 1, early=True), 0.0)
    world.run(120)
    assert not [event for event in world.events() if isinstance(event, MediaTimeout)]


def test_polls_keep_to_their_rate() -> None:
    world = World(polls_per_s=10.0)
    world.willing(query=tags(leg0=0, leg1=0))
    for number in range(40):
        world.connect(f"c{number}")
    world.run(10)
    assert 90 <= len(world.asked(b"query")) <= 101
    asked = {request[b"call-id"] for _, _, request in world.requests if request[b"command"] == b"query"}
    assert len(asked) == 40, "every call has its turn"


def test_the_only_attempt_is_silenced_and_deleted_when_the_next_is_offered() -> None:
    world = World()
    world.willing(query=tags(leg0=0, leg1=4))
    world.connect()
    world.engine.command(Delete("c", 1), 0.0)
    world.settle()
    assert world.commands() == [b"offer", b"answer", b"block media"]
    final = [event for event in world.events() if isinstance(event, MediaStatistics)]
    assert [(event.leg, event.received, event.final) for event in final] == [(1, 4, True)]
    world.connect(leg=2)
    assert world.commands()[3:] == [b"offer", b"delete", b"answer"]
    delete = next(request for _, _, request in world.requests if request[b"command"] == b"delete")
    assert (delete[b"from-tag"], delete[b"to-tag"], delete[b"via-branch"]) == (b"0", b"1", b"1")


def test_deleting_a_call_tells_of_every_leg_and_then_knows_it_no_more() -> None:
    world = World()
    world.willing(query=tags(leg0=7, leg1=9))
    world.connect()
    world.engine.command(Delete("c"), 0.0)
    world.settle()
    assert {(event.leg, event.received, event.final) for event in world.events() if isinstance(event, MediaStatistics)} == {(0, 7, True), (1, 9, True)}
    sent = len(world.requests)
    for command in (Delete("c"), Query("c"), Play("c", 1, "x.wav"), SendDigits("c", 1, "1"), Block("c", 0), Subscribe("c", 0, "127.0.0.1", 9)):
        world.engine.command(command, 0.0)
    world.settle()
    assert len(world.requests) == sent


def test_a_daemon_that_dies_under_a_delete_still_yields_the_last_known_statistics() -> None:
    world = World()
    world.willing(query=tags(leg0=7, leg1=9))
    world.connect()
    world.run(1)
    world.events()
    world.down = {0}
    world.engine.command(Delete("c"), world.now)
    world.run(5)
    final = [event for event in world.events() if isinstance(event, MediaStatistics)]
    assert {(event.leg, event.received, event.final) for event in final} == {(0, 7, True), (1, 9, True)}
    world.down = set()
    world.run(40)
    assert world.engine.offer(MediaOffer("c", 1, SDP), world.now) is None, "the name is free again"


def test_what_plays_ends_by_its_length_and_an_older_end_ends_no_newer_play() -> None:
    world = World()
    world.willing(play_media={b"result": b"ok", b"duration": 1000})
    world.connect()
    world.engine.command(Play("c", 1, "a.wav", repeat=2), world.now)
    world.run(1.5)
    world.engine.command(Play("c", 1, "b.wav", repeat=1), world.now)
    world.run(0.9)
    assert world.commands()[2:] == [b"block media", b"play media", b"play media"]
    world.run(0.2)
    assert world.commands()[-1] == b"unblock media"
    world.engine.command(Play("c", 1, "c.wav"), world.now)
    world.engine.command(Stop("c", 1), world.now)
    world.run(3)
    assert world.commands()[6:] == [b"block media", b"play media", b"stop media", b"unblock media"]


def test_a_block_survives_what_plays_over_it() -> None:
    world = World()
    world.willing(play_media={b"result": b"ok", b"duration": 100})
    world.connect()
    world.engine.command(Block("c", 0, audio=True, digits=True), world.now)
    world.engine.command(Play("c", 1, "a.wav"), world.now)
    world.run(1)
    assert world.commands()[2:] == [b"block media", b"block DTMF", b"play media"]
    world.engine.command(Block("c", 0), world.now)
    world.settle()
    assert world.commands()[5:] == [b"unblock media", b"unblock DTMF"]


def test_keys_logged_by_the_daemon_are_heard() -> None:
    world = World()
    world.willing()
    world.connect()
    line = b'{"callid":"%s","source_tag":"%s","tags":["0","1"],"type":"DTMF","timestamp":1,"source_ip":"192.0.2.1","event":%d,"duration":120,"volume":10}'
    world.engine.receive_data(line % (b"c", b"1", 11), 0.0)
    assert world.events() == [DigitHeard("c", 1, "#", 120)]
    for call, tag in ((b"other", b"1"), (b"c", b"7"), (b"c", b"abc")):
        world.engine.receive_data(line % (call, tag, 1), 0.0)
    assert world.engine.strays == 3
    world.engine.receive_data(line % (b"c", b"1", 16), 0.0)
    world.engine.receive_data(b"{", 0.0)
    assert (world.events(), world.engine.garbage) == ([], 2)


@given(st.binary(max_size=200) | st.sampled_from([b"{}", b"{", b"0_", b"0_ d", b"9_x d6:result2:oke", b" d6:result2:oke", b"0_1 i1e", b"0_1 de"]))
def test_garbage_is_counted_and_changes_nothing(data: bytes) -> None:
    world = World()
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.engine.receive_data(data, 0.0)
    assert world.engine.garbage + world.engine.strays == 1
    assert world.events() == []
    world.willing()
    world.settle()
    assert world.events() == [MediaReady("c", 1, b"v=0 ours")]


ODD: st.SearchStrategy[Value] = st.recursive(
    st.integers(-5, 5) | st.sampled_from([b"audio", b"ok", b"0", b"1", b""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([b"tags", b"medias", b"streams", b"stats", b"packets", b"SSRC", b"type", b"0", b"1", b"average MOS", b"sdp", b"duration"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from([b"tags", b"SSRC", b"sdp", b"duration", b"to-tag", b"error-reason"]), ODD))
def test_a_reply_of_any_shape_is_read(entries: dict[bytes, Value]) -> None:
    read = read_reply(b"c " + encode({**entries, b"result": b"ok"}))
    assert not isinstance(read, Fault)
    assert read[0] == b"c"


def test_a_copy_is_answered_with_the_formats_it_was_offered() -> None:
    offer = SDP.replace(b"s=-", b"s=copy") + b"a=sendonly\r\na=rtcp:4001\r\n"
    answer = accept_copy(offer, "127.0.0.1", 5004)
    assert answer == (
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=copy\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 5004 RTP/AVP 0 8 101\r\n"
        b"a=rtpmap:101 telephone-event/8000\r\na=recvonly\r\n"
    )


def test_a_logged_key_is_read_and_other_logs_are_not() -> None:
    assert read_digit(b'{"callid":"c","source_tag":"0","type":"DTMF","event":0,"duration":80}') == Key("c", "0", "0", 80)
    for data in (b"[]", b"{}", b'{"callid":"c","source_tag":"0","type":"DTMF","event":-1,"duration":80}', b'{"callid":1}', b"\xff"):
        assert read_digit(data) is None


def test_an_engine_needs_a_daemon() -> None:
    with pytest.raises(ValueError, match="without a daemon"):
        Rtpengine(Settings(()), Random(1))


def test_a_codec_the_daemon_transcodes_is_offered_in_place_of_the_sources() -> None:
    world = World()
    world.engine.offer(MediaOffer("c", 1, SDP, Side(codecs=("G722", "G729"))), 0.0)
    request = decode((world.engine.data_to_send() or b"").partition(b" ")[2])
    assert isinstance(request, dict)
    assert request[b"codec"] == {b"mask": [b"PCMU", b"PCMA"], b"transcode": [b"G722"]}


def test_what_to_offer_follows_policy_standing_answer_and_what_the_leg_itself_speaks() -> None:
    assert choose(SDP, (), (), ()) == Choice(SDP)
    assert choose(SDP, ("PCMA",), ("PCMU", "PCMA"), ()) == Choice(SDP.replace(b"AVP 0 8 101", b"AVP 8 101"))
    standing = SDP.replace(b"AVP 0 8 101", b"AVP 0 101")
    assert choose(SDP, ("PCMU",), ("PCMA",), ()) == Choice(standing, ("PCMU",), ("PCMA",))
    assert choose(SDP, (), (), ("opus",)) == Choice(SDP, ("PCMU", "PCMA"), ("opus",))
    assert choose(SDP, (), (), ("G729",)) == Choice(SDP), "nothing can be done: the leg may refuse"
    assert choose(SDP, ("GSM",), (), ()) is None
    assert choose(SDP, (), ("G729",), ()) is None
