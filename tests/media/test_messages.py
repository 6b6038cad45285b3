"""Messages in one datagram: all of them, in order, as many as fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.leases import Lease, Leased
from trunkline.media.messages import LENGTH, MESSAGE_LIMIT, Messages, bundle, unbundle

LINK: Messages[Lease | Leased] = Messages((Lease, Leased))


def test_what_is_said_in_one_breath_is_one_datagram() -> None:
    said = [Lease("127.0.0.1", 4), Leased("127.0.0.1", (30_000, 30_002)), Lease("::1", 2)]
    datagram, count = bundle([LINK.encode(message) for message in said])
    assert count == 3
    assert [LINK.decode(message) for message in unbundle(datagram)] == said


@pytest.mark.parametrize(("sizes", "count"), [([MESSAGE_LIMIT - 2 * LENGTH - 1, 1], 2), ([MESSAGE_LIMIT - 2 * LENGTH, 1], 1), ([MESSAGE_LIMIT], 1)])
def test_a_datagram_holds_what_fits_and_one_message_at_least(sizes: list[int], count: int) -> None:
    messages = [bytes([at]) * size for at, size in enumerate(sizes)]
    datagram, took = bundle(messages)
    assert took == count
    assert list(unbundle(datagram)) == messages[:count]


@given(st.lists(st.binary(max_size=400), min_size=1, max_size=30))
def test_nothing_is_lost_or_reordered(messages: list[bytes]) -> None:
    left, came = list(messages), []
    while left:
        datagram, count = bundle(left)
        del left[:count]
        came += unbundle(datagram)
    assert came == messages


@given(st.binary(max_size=200))
def test_garbage_ends(datagram: bytes) -> None:
    assert sum(len(message) for message in unbundle(datagram)) <= len(datagram)
