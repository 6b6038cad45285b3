from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.rewrite import OutgoingStream
from trunkline.media.rtp import Packet, parse_rtp, sequence_distance, timestamp_distance

OUT = 0x0DDBA11


def stream(sequence: int = 65_530, timestamp: int = 0xFFFF_FF00, **options: object) -> OutgoingStream:
    return OutgoingStream(OUT, sequence, timestamp, **options)  # type: ignore[arg-type]


def send(out: OutgoingStream, packet: Packet, now: float) -> Packet | None:
    """What goes out for `packet`, None if it is held back."""
    data = bytearray(packet.encode())
    if not out.forward(data, packet.sequence, packet.timestamp, packet.ssrc, now):
        return None
    read = parse_rtp(data)
    assert isinstance(read, Packet)
    assert read.ssrc == OUT
    assert read.payload == packet.payload
    return read


def speech(number: int, ssrc: int = 1, first: int = 100, stamp: int = 5000, payload_type: int = 0) -> Packet:
    return Packet(payload_type, (first + number) & 0xFFFF, (stamp + 160 * number) & 0xFFFF_FFFF, ssrc, bytes([number & 0xFF]))


def test_one_source_is_mapped_number_for_number_across_the_wrap() -> None:
    out = stream()
    sent = [send(out, speech(n), n * 0.02) for n in range(20)]
    assert [one.sequence for one in sent if one] == [(65_530 + n) & 0xFFFF for n in range(20)]
    assert [one.timestamp for one in sent if one] == [(0xFFFF_FF00 + 160 * n) & 0xFFFF_FFFF for n in range(20)]
    assert not any(one.marker for one in sent if one)
    assert (out.packets, out.octets, out.switches) == (20, 20, 0)


def test_a_loss_shows_through() -> None:
    out = stream(10, 0)
    sent = [send(out, speech(n), n * 0.02) for n in (0, 1, 4, 5)]
    assert [one.sequence for one in sent if one] == [10, 11, 14, 15]


def test_a_late_packet_goes_into_its_hole_once() -> None:
    out = stream(10, 0)
    sent = [send(out, speech(n), 0.1) for n in (0, 1, 3, 2, 2, 3, 4)]
    assert [one.sequence if one else None for one in sent] == [10, 11, 13, 12, None, None, 14]
    assert sent[3] is not None
    assert sent[3].timestamp == 320


def test_the_next_attempt_continues_with_a_marker_and_the_clock() -> None:
    out = stream(10, 1000)
    for n in range(3):
        send(out, speech(n), n * 0.02)
    out.switch()
    joined = send(out, speech(0, ssrc=2, first=40_000, stamp=77), 1.04)
    assert joined is not None
    assert (joined.sequence, joined.marker) == (13, True)
    assert joined.timestamp == 1000 + 320 + 8000, "a second after the packet before"
    following = send(out, speech(1, ssrc=2, first=40_000, stamp=77), 1.06)
    assert following is not None
    assert (following.sequence, following.timestamp, following.marker) == (14, 9480, False)
    assert out.switches == 1


def test_a_new_ssrc_is_a_switch_by_itself_and_the_old_one_does_not_toss_it_back() -> None:
    out = stream(10, 0)
    send(out, speech(0, ssrc=1), 0.0)
    assert send(out, speech(0, ssrc=2), 0.02) is not None
    assert send(out, speech(1, ssrc=1), 0.021) is None
    assert send(out, speech(1, ssrc=2), 0.04) is not None
    back = send(out, speech(9, ssrc=1), 0.3)
    assert back is not None
    assert (back.sequence, back.marker) == (13, True)


def test_the_same_ssrc_after_a_switch_is_a_new_source() -> None:
    out = stream(10, 0)
    send(out, speech(5), 0.0)
    out.switch()
    joined = send(out, speech(0), 0.02)
    assert joined is not None
    assert (joined.sequence, joined.timestamp, joined.marker) == (11, 160, True)


def test_a_packet_from_before_the_switch_is_held_back() -> None:
    out = stream(10, 0)
    send(out, speech(0), 0.0)
    out.switch()
    send(out, speech(7, ssrc=2), 0.02)
    assert send(out, speech(6, ssrc=2), 0.021) is None, "its number is taken already"


def test_a_source_that_restarts_is_joined_at_its_second_packet() -> None:
    out = stream(10, 0)
    send(out, speech(0), 0.0)
    assert send(out, speech(0, first=30_000, stamp=9), 0.02) is None
    joined = send(out, speech(1, first=30_000, stamp=9), 0.04)
    assert joined is not None
    assert (joined.sequence, joined.timestamp, joined.marker) == (11, 320, True)


def test_payload_types_are_mapped_and_markers_survive() -> None:
    out = stream(10, 0, payload_types={0: 8, 101: 96})
    plain, event, other = (send(out, Packet(kind, n, 0, 1, b"", marker=kind == 101), 0.0) for n, kind in enumerate((0, 101, 18)))
    assert plain
    assert event
    assert other
    assert [(one.payload_type, one.marker) for one in (plain, event, other)] == [(8, False), (96, True), (18, False)]


def test_a_withheld_packet_leaves_no_trace() -> None:
    out = stream(10, 0)
    sent = []
    for n in range(6):
        packet = speech(n)
        if n in (2, 3):
            out.withhold(packet.sequence, packet.timestamp, packet.ssrc, n * 0.02)
        else:
            sent.append(send(out, packet, n * 0.02))
    assert [one.sequence for one in sent if one] == [10, 11, 12, 13]
    assert [one.timestamp for one in sent if one] == [0, 160, 640, 800]


def test_our_own_packets_take_numbers_of_the_same_row() -> None:
    out = stream(10, 0)
    send(out, speech(0), 0.0)
    number, stamp = out.claim(0.04)
    out.sent(stamp, 4, 0.04)
    assert (number, stamp) == (11, 320)
    following = send(out, speech(3), 0.06)
    assert following is not None
    assert (following.sequence, following.timestamp) == (14, 480), "two numbers kept for the two packets not seen"
    late = send(out, speech(2), 0.061)
    assert late is not None
    assert late.sequence == 13
    assert (out.packets, out.octets) == (4, 7)


def test_a_stream_may_begin_with_packets_of_our_own() -> None:
    out = stream(10, 500)
    assert out.claim(3.0) == (10, 500)
    out.sent(500, 4, 3.0)
    joined = send(out, speech(0), 4.0)
    assert joined is not None
    assert (joined.sequence, joined.timestamp, joined.marker) == (11, 8500, True)


def test_a_source_that_lags_behind_our_own_packet_is_carried_along() -> None:
    out = stream(10, 0)
    send(out, speech(0), 0.0)
    _, stamp = out.claim(0.05)
    out.sent(stamp, 4, 0.05)
    following = send(out, speech(1), 0.051)
    assert following is not None
    assert following.timestamp == stamp + 160 == 560


def test_event_packets_between_speech_keep_their_common_timestamp() -> None:
    out = stream(10, 0)
    sent = [send(out, Packet(kind, n, stamp, 1, b"x"), n * 0.02) for n, (kind, stamp) in enumerate([(0, 0), (101, 160), (0, 160), (101, 160), (0, 320), (101, 160)])]
    assert [one.timestamp for one in sent if one] == [0, 160, 160, 160, 320, 160]


def test_a_source_that_sets_its_clock_back_without_a_word_goes_on_forward() -> None:
    out = stream(10, 0)
    send(out, Packet(0, 1, 1_000_000, 1, b"x"), 0.0)
    again = send(out, Packet(0, 2, 160, 1, b"x"), 0.02)
    following = send(out, Packet(0, 3, 320, 1, b"x"), 0.04)
    assert again
    assert following
    assert (again.timestamp, following.timestamp) == (160, 320)


def test_padding_and_contributors_pass_untouched() -> None:
    packet = Packet(0, 1, 2, 3, b"abc", csrcs=(9, 8), padding=4)
    sent = send(stream(10, 0), packet, 0.0)
    assert sent is not None
    assert (sent.csrcs, sent.padding) == ((9, 8), 4)


moves = st.lists(
    st.one_of(
        st.tuples(st.just("speak"), st.integers(1, 3), st.integers(0, 4)),
        st.tuples(st.just("late"), st.integers(1, 3), st.integers(1, 200)),
        st.tuples(st.just("switch"), st.just(0), st.just(0)),
        st.tuples(st.just("own"), st.just(0), st.just(0)),
        st.tuples(st.just("withhold"), st.integers(1, 3), st.integers(0, 2)),
        st.tuples(st.just("jump"), st.integers(1, 3), st.integers(0, 65_535)),
        st.tuples(st.just("wait"), st.just(0), st.integers(1, 300)),
    ),
    max_size=200,
)


@given(moves, st.integers(0, 65_535), st.integers(0, 0xFFFF_FFFF))
def test_whatever_the_sources_do_no_number_is_used_twice_and_time_never_runs_back(
    played: list[tuple[str, int, int]], sequence: int, timestamp: int
) -> None:
    out = stream(sequence, timestamp)
    heads = {1: 60_000, 2: 5, 3: 30_000}
    clocks = {1: 0xFFFF_F000, 2: 17, 3: 0x8000_0000}
    last = dict(heads)
    "What is late is so after the last packet: a source that goes back in time while it counts on is an event of RFC 4733, and passes as it is."
    now = 0.0
    used: set[int] = set()
    newest = -1
    newest_stamp = timestamp
    position = 0
    for move, source, amount in played:
        now += 0.02
        number = stamp = None
        if move in ("speak", "withhold"):
            heads[source] = (heads[source] + 1 + amount) & 0xFFFF
            clocks[source] = (clocks[source] + 160 * (1 + amount)) & 0xFFFF_FFFF
            last[source] = heads[source]
            if move == "withhold":
                out.withhold(heads[source], clocks[source], source, now)
            else:
                sent = send(out, Packet(0, heads[source], clocks[source], source, b"x"), now)
                number, stamp = (sent.sequence, sent.timestamp) if sent else (None, None)
        elif move == "late":
            sent = send(out, Packet(0, (last[source] - amount) & 0xFFFF, (clocks[source] - 160 * amount) & 0xFFFF_FFFF, source, b"x"), now)
            number, stamp = (sent.sequence, sent.timestamp) if sent else (None, None)
        elif move == "own":
            number, stamp = out.claim(now)
            out.sent(stamp, 4, now)
        elif move == "switch":
            out.switch()
        elif move == "jump":
            heads[source] = amount
        else:
            now += amount / 100
        if number is None or stamp is None:
            continue
        if newest < 0:
            newest, position = number, 0
        position_of = position + sequence_distance(number, newest)
        assert position_of not in used
        used.add(position_of)
        if position_of > position or len(used) == 1:
            position, newest = position_of, number
            assert timestamp_distance(stamp, newest_stamp) >= 0
            newest_stamp = stamp


def test_a_stream_of_a_day_without_trouble_never_opens_a_hole() -> None:
    out = stream(0, 0)
    for n in range(70_000):
        sent = send(out, speech(n % 65_536), n * 0.02) if n % 1000 == 0 else None
        if sent is None:
            data = bytearray(12)
            data[0] = 0x80
            assert out.forward(data, (100 + n) & 0xFFFF, (5000 + 160 * n) & 0xFFFF_FFFF, 1, n * 0.02)
    assert out.packets == 70_000
