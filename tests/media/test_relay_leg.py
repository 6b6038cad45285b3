"""One leg over its real sockets, read by hand: what is queued when a packet is read is then the test's to say."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest
from msgspec.structs import replace

from tests.media.far_ends import Phone, phones
from trunkline.media import FirstPacket
from trunkline.media.relay.leg import NOTES, Leg, Reader
from trunkline.media.relay.ports import bind_pair
from trunkline.media.relay.protocol import Keys, Message, Place
from trunkline.media.relay.source import Address
from trunkline.media.sdes import SUITES, answer_crypto, offer_crypto
from trunkline.media.srtp import SrtpSession

pytestmark = pytest.mark.sockets


class Bench:
    """A worker that only remembers."""

    def __init__(self) -> None:
        self.readers: dict[int, Reader] = {}
        self.told: list[Message] = []

    def tell(self, message: Message) -> None:
        self.told.append(message)

    def copy(self, packet: memoryview, address: Address) -> None:
        raise AssertionError("nobody subscribed")


@contextmanager
def legs(bench: Bench, *ends: Phone) -> Iterator[list[Leg]]:
    """A leg for each phone, the first two linked."""
    made: list[Leg] = []
    for number, phone in enumerate(ends):
        pair = bind_pair("127.0.0.1", 40_000, 49_998, Random())
        assert pair is not None
        place = Place("c", number, "127.0.0.1", pair.port, host=phone.host, rtp_port=phone.port, rtcp_port=phone.port + 1)
        made.append(Leg(bench, pair, place, 0.0))
        phone.target = ("127.0.0.1", pair.port)
        phone.waits = False
    made[0].link(made[1], made[1])
    made[1].link(made[0], made[0])
    try:
        yield made
    finally:
        for leg in made:
            leg.close()


def test_what_strangers_queued_before_the_connection_is_refused() -> None:
    bench, caller, carrier, stranger = Bench(), Phone(), Phone(), Phone("127.0.0.2")
    with phones(caller, carrier, stranger), legs(bench, caller, carrier) as (_, leg):
        stranger.target, stranger.waits = carrier.target, False
        said = carrier.say(1)
        stranger.say(3)
        said += carrier.say(1)
        bench.readers[leg.fileno](1.0)
        assert leg.door.is_connected
        assert [packet.payload for packet in caller.hear(2)] == said
        assert caller.hears_nothing()
        statistics = leg.statistics(1.0)
        assert (statistics.received, statistics.refused) == (2, 3)


def test_packets_on_the_short_way_are_counted_to_the_last() -> None:
    bench, caller, carrier = Bench(), Phone(), Phone()
    count = 2 * NOTES + 7
    with phones(caller, carrier), legs(bench, caller, carrier) as (hearer, leg):
        for at in range(count):
            carrier.sequence += at == 40
            carrier.say(1)
            bench.readers[leg.fileno](at * 0.02)
        caller.hear(count)
        now = count * 0.02
        heard = leg.statistics(now)
        assert (heard.received, heard.lost, hearer.statistics(now).sent) == (count, 1, count)
        # The packet after the one that is missing comes 20 ms sooner than its number says, but not than its time stamp.
        assert heard.jitter_ms == pytest.approx(0.0, abs=0.01)
        assert bench.told == [FirstPacket("c", 1)]


def test_a_runt_after_a_packet_is_not_taken_for_it_again() -> None:
    """All packets pass through one buffer, and the rest of the last one is still in it."""
    bench, caller, carrier = Bench(), Phone(), Phone()
    with phones(caller, carrier), legs(bench, caller, carrier) as (_, leg):
        for at in range(4):
            carrier.say(1)
            bench.readers[leg.fileno](at * 0.02)
        caller.hear(4)
        carrier.rtp.sendto(b"\x80\x00", carrier.target)
        bench.readers[leg.fileno](0.1)
        assert caller.hears_nothing()
        assert leg.statistics(0.1).refused == 1


def test_srtp_takes_the_short_way_and_forgeries_on_it_are_refused() -> None:
    bench, caller, carrier = Bench(), Phone(), Phone()
    (ours,) = offer_crypto([SUITES["AES_CM_128_HMAC_SHA1_80"]])
    theirs = answer_crypto(ours)
    with phones(caller, carrier), legs(bench, caller, carrier) as (hearer, leg):
        leg.describe(replace(leg.place, keys=Keys(ours.suite, theirs.key, ours.key)), 0.0)
        carrier.sealed, caller.sealed = SrtpSession(theirs, ours), None
        said = []
        for at in range(NOTES + 9):
            if at % 10 == 5:
                # Like the packet before in all that is in the clear, and by nobody who has the key.
                carrier.sealed, genuine = None, carrier.sealed
                carrier.say(1)
                carrier.sealed = genuine
                bench.readers[leg.fileno](at * 0.02)
            said += carrier.say(1)
            bench.readers[leg.fileno](at * 0.02)
        assert [packet.payload for packet in caller.hear(len(said))] == said
        assert caller.hears_nothing()
        now = len(said) * 0.02
        heard = leg.statistics(now)
        assert (heard.received, heard.refused, hearer.statistics(now).sent) == (len(said), 4, len(said))
        answered = caller.say(3)
        for _ in answered:
            bench.readers[hearer.fileno](now)
        assert [packet.payload for packet in carrier.hear(3)] == answered
