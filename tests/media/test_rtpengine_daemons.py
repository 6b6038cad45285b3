"""Several rtpengine daemons: whose turn it is, and what becomes of calls when one is dead or full."""

from random import Random

from tests.media.rtpengine_world import SDP, UNKNOWN, World
from trunkline.media import (
    Delete,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaStatistics,
)
from trunkline.media.rtpengine import Daemon, Rtpengine, Settings


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
