"""The rtpengine engine on a virtual clock: lost datagrams, dead daemons, garbage."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media import (
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaAnswer,
    MediaEvent,
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
from trunkline.media.engine import PLAIN
from trunkline.media.rtpengine import Daemon, Ranges, Rtpengine, Settings
from trunkline.media.rtpengine.bencode import Fault, Value, decode, encode
from trunkline.media.rtpengine.codecs import Choice, choose
from trunkline.media.rtpengine.conversation import destination
from trunkline.media.rtpengine.copy import accept_copy
from trunkline.media.rtpengine.digit_log import Key, read_digit
from trunkline.media.rtpengine.replies import read_reply

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
SDP += b"a=rtpmap:101 telephone-event/8000\r\n"
OK: dict[bytes, Value] = {b"result": b"ok"}
READY: dict[bytes, Value] = {b"result": b"ok", b"sdp": b"v=0 ours"}
UNKNOWN: dict[bytes, Value] = {b"result": b"error", b"error-reason": b"Unknown call-id"}

Answerer = Callable[[dict[bytes, Value]], dict[bytes, Value] | None]


def tags(**received: int) -> dict[bytes, Value]:
    """A query's reply; `leg0=5` is five packets of leg 0."""
    return {
        b"result": b"ok",
        b"tags": {
            name.removeprefix("leg").encode(): {
                b"medias": [{b"type": b"audio", b"codec": b"PCMU/8000", b"streams": [{b"stats": {b"packets": packets, b"errors": 0}}]}]
            }
            for name, packets in received.items()
        },
    }


class World:
    """An engine, daemons that answer as the test says, and a clock that jumps from timer to timer."""

    def __init__(self, daemons: int = 1, **settings: object) -> None:
        known = tuple(Daemon("192.0.2.9", 2223 + place) for place in range(daemons))
        self.engine = Rtpengine(Settings(known, **settings), Random(1))  # type: ignore[arg-type]
        self.now = 0.0
        self.requests: list[tuple[float, int, dict[bytes, Value]]] = []
        self.datagrams: list[bytes] = []
        self.answer: Answerer = lambda request: {b"result": b"pong"} if request[b"command"] == b"ping" else None
        self.down: set[int] = set()

    def settle(self) -> None:
        """Deliver what is under way."""
        while (data := self.engine.data_to_send()) is not None:
            place = destination(data)
            assert place is not None
            cookie, _, body = data.partition(b" ")
            request = decode(body)
            assert isinstance(request, dict)
            self.datagrams.append(data)
            self.requests.append((self.now, place, request))
            reply = None if place in self.down else self.answer(request)
            if reply is not None:
                self.engine.receive_data(cookie + b" " + encode(reply), self.now)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        self.settle()
        while (at := self.engine.get_timer()) is not None and at <= end:
            self.now = max(self.now, at)
            self.engine.handle_timer(self.now)
            self.settle()
        self.now = end

    def asked(self, command: bytes) -> list[float]:
        """When a command was sent."""
        return [at for at, _, request in self.requests if request[b"command"] == command]

    def commands(self) -> list[bytes]:
        """All that was sent but pings and queries."""
        return [bytes(name) for _, _, request in self.requests if isinstance(name := request[b"command"], bytes) and name not in (b"ping", b"query")]

    def events(self) -> list[MediaEvent]:
        found = []
        while (event := self.engine.next_event()) is not None:
            found.append(event)
        return found

    def willing(self, **replies: dict[bytes, Value]) -> None:
        """The daemon takes everything; `query=...` replies otherwise to one command."""

        def answer(request: dict[bytes, Value]) -> dict[bytes, Value]:
            command = request[b"command"]
            assert isinstance(command, bytes)
            default = READY if command in (b"offer", b"answer") else OK
            return replies.get(command.decode().replace(" ", "_"), default)

        self.answer = answer

    def connect(self, call: str = "c", leg: int = 1, side: Side = PLAIN) -> None:
        assert self.engine.offer(MediaOffer(call, leg, SDP, side), self.now) is None
        self.settle()
        assert self.engine.answer(MediaAnswer(call, 0, SDP, leg), self.now) is None
        self.settle()
        assert self.events()[-2:] == [MediaReady(call, leg, b"v=0 ours"), MediaReady(call, 0, b"v=0 ours")]


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


def test_a_daemon_that_answers_nothing_is_dead_and_offers_fail_at_once() -> None:
    world = World()
    world.down = {0}
    world.run(7)
    assert world.engine.offer(MediaOffer("c", 1, SDP), world.now) == MediaFailed("c", 1, "media.failed")
    world.run(200)
    gaps = [later - earlier for earlier, later in zip(world.asked(b"ping"), world.asked(b"ping")[1:], strict=False)]
    assert max(gaps) <= 30.0
    assert len(world.asked(b"ping")) < 60, "a dead daemon is asked ever less often"
    world.down = set()
    world.run(31)
    assert world.engine.offer(MediaOffer("c", 1, SDP), world.now) is None


def test_an_idle_daemon_is_pinged_and_a_busy_one_need_not_be() -> None:
    world = World()
    world.run(20)
    assert len(world.asked(b"ping")) in (10, 11)


def test_new_calls_go_round_by_weight_and_calls_stay() -> None:
    world = World(daemons=2)
    world.engine = Rtpengine(Settings((Daemon("192.0.2.9", weight=3), Daemon("192.0.2.10"))), Random(1))
    world.willing()
    for number in range(8):
        world.connect(f"c{number}")
    first = [place for _, place, request in world.requests if request[b"command"] == b"offer"]
    second = [place for _, place, request in world.requests if request[b"command"] == b"answer"]
    assert first == second
    assert (first.count(0), first.count(1)) == (6, 2)


def test_a_dead_daemon_gets_no_calls_while_another_lives() -> None:
    world = World(daemons=2)
    world.down = {1}
    world.run(7)
    world.willing()
    for number in range(4):
        world.connect(f"c{number}")
    assert {place for _, place, request in world.requests if request[b"command"] == b"offer"} == {0}


def limited(world: World, *full: int) -> None:
    """These daemons are at their limit of calls."""
    world.willing()
    willing = world.answer
    world.answer = lambda request: {b"result": b"load limit"} if request[b"command"] == b"offer" and world.requests[-1][1] in full else willing(request)


def test_a_call_a_full_daemon_does_not_take_goes_to_the_next_and_so_do_the_calls_after_it() -> None:
    world = World(daemons=2)
    limited(world, 0)
    for number in range(4):
        world.connect(f"c{number}")
    assert [place for _, place, request in world.requests if request[b"command"] == b"offer"] == [0, 1, 1, 1, 1]
    assert world.requests[0][2][b"supports"] == [b"load limit"], "else it is an error like any other"
    world.willing()
    world.run(1.1)
    for number in range(4, 8):
        world.connect(f"c{number}")
    assert [place for _, place, request in world.requests if request[b"command"] == b"offer"][5:].count(0) == 2, "it takes calls again"


def test_where_every_daemon_is_full_the_offer_fails_and_its_call_begins_anew_with_the_next_attempt() -> None:
    world = World(daemons=2)
    limited(world, 0, 1)
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.settle()
    assert world.events() == [MediaFailed("c", 1, "media.failed")]
    world.engine.command(Delete("c", 1), 0.0)
    assert world.engine.offer(MediaOffer("c", 2, SDP), 0.0) == MediaFailed("c", 2, "media.failed"), "nobody is asked"
    limited(world, 0)
    world.run(1.1)
    world.connect(leg=3)
    assert not [event for event in world.events() if isinstance(event, MediaLost)]
    assert world.requests[-1][1] == 1


def test_a_call_stays_on_a_daemon_that_is_full_by_now() -> None:
    world = World(daemons=2)
    world.willing()
    world.connect()
    place = world.requests[-1][1]
    limited(world, place)
    world.engine.offer(MediaOffer("c", 2, SDP), 0.0)
    world.settle()
    assert world.events() == [MediaFailed("c", 2, "media.failed")]
    assert {one for _, one, request in world.requests if request[b"command"] == b"offer"} == {place}
    assert world.engine.offer(MediaOffer("c", 3, SDP), 0.0) is None


def test_an_attempt_after_one_whose_offer_the_daemon_did_not_take_has_a_chance_of_its_own() -> None:
    world = World()
    world.answer = lambda request: {b"result": b"error", b"error-reason": b"Failed to parse SDP"} if request[b"command"] == b"offer" else UNKNOWN
    world.engine.offer(MediaOffer("c", 1, SDP), 0.0)
    world.settle()
    world.engine.command(Delete("c", 1), 0.0)
    world.settle()
    world.willing()
    world.engine.offer(MediaOffer("c", 2, SDP), 0.0)
    world.settle()
    assert world.events() == [MediaFailed("c", 1, "media.failed"), MediaReady("c", 2, b"v=0 ours")]


def test_calls_of_a_daemon_dead_too_long_are_lost() -> None:
    world = World()
    world.willing()
    world.connect()
    world.down = {0}
    world.run(14)
    assert not [event for event in world.events() if isinstance(event, MediaLost)]
    world.run(15)
    events = world.events()
    assert [event.leg for event in events if isinstance(event, MediaStatistics) and event.final] == [1, 0]
    assert events[-1] == MediaLost("c")
    world.engine.command(Delete("c"), world.now)
    world.run(1)
    assert world.events() == []


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
