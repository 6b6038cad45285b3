from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.accounting import MAX_MISORDER, Accounting, Arrival
from trunkline.media.bursts import GAP_MINIMUM


def feed(numbers: list[int], first: int = 0, accounting: Accounting | None = None, start: float = 0.0) -> Accounting:
    """Packets of 20 ms by their place in the stream, each arriving when it should."""
    accounting = accounting or Accounting()
    for number in numbers:
        accounting.receive((first + number) & 0xFFFF, (160 * number) & 0xFFFF_FFFF, start + number * 0.02)
    return accounting


def test_a_clean_stream_across_the_wrap() -> None:
    report = feed(list(range(1000)), first=65_000).report(20.0)
    assert (report.received, report.expected, report.lost, report.fraction_lost) == (1000, 1000, 0, 0)
    assert report.highest == 65_999, "one cycle: 65536 + 463"
    assert (report.first_at, report.last_at) == (0.0, 999 * 0.02)
    assert report.jitter_s < 1e-9


def test_one_packet_is_no_stream() -> None:
    accounting = Accounting()
    assert accounting.receive(7, 0, 1.0) is Arrival.PROBATION
    report = accounting.report(2.0)
    assert (report.received, report.expected, report.lost, report.first_at) == (0, 0, 0, 1.0)
    assert not accounting.is_believed
    assert accounting.receive(9, 320, 1.04) is Arrival.PROBATION, "not the next one"
    assert accounting.receive(10, 480, 1.06) is Arrival.IN_ORDER
    assert accounting.totals(2.0).received == 2


def test_a_stream_that_starts_at_the_wrap() -> None:
    assert feed([0, 1, 2, 4], first=65_535).totals(1.0).expected == 5


def test_loss_is_what_never_came_and_a_late_packet_did_come() -> None:
    accounting = feed([0, 1, 2, 5, 4, 6])
    report = accounting.report(1.0)
    assert (report.received, report.expected, report.lost, report.reordered) == (6, 7, 1, 1)
    assert report.fraction_lost == 256 // 7


def test_fraction_is_of_the_interval_only() -> None:
    accounting = feed([0, 1, 2, 3])
    accounting.report(0.1)
    feed([4, 6, 7], accounting=accounting)
    assert accounting.totals(0.2).fraction_lost == 64
    assert accounting.report(0.2).fraction_lost == 64
    feed([8, 9], accounting=accounting)
    assert accounting.report(0.3).fraction_lost == 0


def test_duplicates_are_told_and_hide_no_loss_of_ours_but_do_in_rtcp() -> None:
    accounting = feed([0, 1, 2, 2, 5, 4, 4])
    report = accounting.report(1.0)
    assert (report.duplicates, report.reordered, report.lost, report.cumulative_lost) == (2, 1, 1, -1)


def test_a_restart_is_believed_at_its_second_packet_and_totals_go_on() -> None:
    accounting = feed(list(range(10)))
    assert accounting.receive(40_000, 0, 1.0) is Arrival.STRAY
    assert accounting.receive(40_001, 160, 1.02) is Arrival.IN_ORDER
    accounting.receive(40_003, 480, 1.06)
    report = accounting.report(2.0)
    assert (report.received, report.expected, report.restarts, report.strays) == (13, 14, 1, 0)
    assert report.highest == 40_003
    assert report.bursts.loss_runs == 1


def test_a_single_stray_is_no_restart() -> None:
    accounting = feed(list(range(10)))
    assert accounting.receive(40_000, 0, 1.0) is Arrival.STRAY
    feed([10, 11], accounting=accounting)
    report = accounting.report(2.0)
    assert (report.received, report.expected, report.strays, report.restarts) == (12, 12, 1, 0)


def test_jitter_follows_appendix_a8() -> None:
    """Judge: the integer recipe of RFC 3550 appendix A.8, its state scaled by 16."""
    arrivals = [0, 163, 321, 502, 640, 815, 958, 1133, 1279, 1480, 1600, 1790]
    scaled = transit = 0
    accounting = Accounting()
    for number, arrival in enumerate(arrivals):
        accounting.receive(number, 160 * number, arrival / 8000)
        new = arrival - 160 * number
        if number:
            scaled += abs(new - transit) - ((scaled + 8) >> 4)
        transit = new
    assert abs(accounting.totals(1.0).jitter_units - scaled / 16) < 1.0
    assert accounting.totals(1.0).jitter_units > 5


def test_jitter_is_blind_to_the_wrap_of_the_timestamp_and_to_event_packets() -> None:
    accounting = Accounting()
    for number in range(50):
        accounting.receive(number, (0xFFFF_F000 + 160 * number) & 0xFFFF_FFFF, number * 0.02)
    for number in range(50, 60):
        accounting.receive(number, (0xFFFF_F000 + 160 * 50) & 0xFFFF_FFFF, number * 0.02)
    assert accounting.totals(2.0).jitter_units < 1e-3


def test_a_clock_set_anew_is_not_jitter() -> None:
    accounting = feed(list(range(10)))
    for number in range(10, 20):
        accounting.receive(number, 0x7000_0000 + 160 * number, number * 0.02)
    assert accounting.totals(1.0).jitter_units < 1e-3


def test_a_burst_is_losses_less_than_gmin_apart() -> None:
    lost = {100, 200, 205, 206, 400}
    bursts = feed([n for n in range(600) if n not in lost]).totals(20.0).bursts
    assert (bursts.bursts, bursts.burst_packets, bursts.burst_lost) == (1, 7, 3)
    assert (bursts.gap_packets, bursts.gap_lost, bursts.loss_runs) == (593, 2, 4)
    assert bursts.burst_density == 3 / 7
    assert bursts.mean_gap_packets == 593 / 2


def test_burst_ratio_is_one_for_scattered_loss_and_the_run_length_for_bursts() -> None:
    scattered = feed([n for n in range(1000) if n % 100 != 50]).totals(20.0)
    assert scattered.burst_ratio == 1.0
    runs = feed([n for n in range(1000) if n % 100 not in (50, 51, 52, 53)]).totals(20.0)
    assert abs(runs.burst_ratio - 4 * 0.96) < 1e-9


def rfc3611_counters(lost: set[int], expected: int) -> tuple[int, int, int]:
    """Burst count, losses in gaps and losses in bursts by the event-driven state model that RFC 3611 appendix A.2 describes.

    A run of `GAP_MINIMUM` packets received closes whatever came before it: one loss was a gap's, more were a burst's.
    """
    bursts = in_gaps = in_bursts = open_losses = 0
    received = GAP_MINIMUM
    for number in [*range(expected), None]:
        if number is not None and number not in lost:
            received += 1
            continue
        if received >= GAP_MINIMUM or number is None:
            if open_losses == 1:
                in_gaps += 1
            elif open_losses:
                bursts += 1
                in_bursts += open_losses
            open_losses = 0
        if number is not None:
            open_losses += 1
            received = 0
    return bursts, in_gaps, in_bursts


@given(st.sets(st.integers(2, 398), max_size=120), st.integers(0, 65_535))
def test_any_pattern_of_loss_is_counted_exactly(lost: set[int], first: int) -> None:
    accounting = feed([n for n in range(400) if n not in lost], first=first)
    report = accounting.totals(10.0)
    assert (report.received, report.expected, report.lost) == (400 - len(lost), 400, len(lost))
    bursts = report.bursts
    assert (bursts.bursts, bursts.gap_lost, bursts.burst_lost) == rfc3611_counters(lost, 400)
    assert bursts.loss_runs == sum(n - 1 not in lost for n in lost)


@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 2), st.booleans()), min_size=20, max_size=300),
    st.integers(0, 65_535),
)
def test_reordering_and_repeats_within_the_window_lose_nothing(plan: list[tuple[int, int, bool]], first: int) -> None:
    """Judge: the set of numbers that came."""
    order = sorted((number + delay, copy, number) for number, (delay, copies, kept) in enumerate(plan) if kept for copy in range(copies))
    numbers = [-2, -1, *(number for _, _, number in order), len(plan) + 30]
    accounting = feed([number + 2 for number in numbers], first=first)
    report = accounting.totals(99.0)
    came = set(numbers)
    assert report.received == len(came)
    assert report.expected == len(plan) + 33
    assert report.duplicates == len(numbers) - len(came)


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 0xFFFF_FFFF)), max_size=300))
def test_any_numbers_at_all_are_counted_without_a_fault(packets: list[tuple[int, int]]) -> None:
    accounting = Accounting()
    for at, (sequence, timestamp) in enumerate(packets):
        accounting.receive(sequence, timestamp, at * 0.02)
    report = accounting.report(1000.0)
    assert 0 <= report.fraction_lost <= 255
    assert report.received + report.duplicates + report.strays <= len(packets)
    assert report.lost >= 0
    assert report.bursts.burst_lost + report.bursts.gap_lost == report.lost


def test_old_holes_are_closed() -> None:
    accounting = feed([0, 1, 500, *range(501, 620)])
    assert accounting.receive(499, 160 * 499, 9.0) is Arrival.STRAY, f"more than {MAX_MISORDER} late"
    assert accounting.totals(9.0).bursts.burst_lost == 498
