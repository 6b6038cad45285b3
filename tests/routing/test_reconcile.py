"""An invoice against our records: what is missing, extra, too long and too dear."""

from datetime import UTC, datetime

import pytest

from trunkline.policy.deck import Rate
from trunkline.policy.problem import Problem
from trunkline.routing.decks_invoice import Line, read_invoice
from trunkline.routing.decks_reconcile import Agreed, Ours, Reconciliation, reconcile

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
RATES = {"1": Rate(0.01, 6, 6, 0.0, 0.0, ""), "44": Rate(0.06, 60, 60, 0.002, 0.01, "")}


def agreed(called: str, at: float) -> Agreed | None:
    prefix = next((prefix for prefix in RATES if called[1:].startswith(prefix)), None)
    return Agreed(RATES[prefix], prefix) if prefix is not None else None


def ours(call: str, called: str, began: float, talk_s: float, ringing: float = 8.0) -> Ours:
    return Ours(call, called, called[1:], NOON + began, NOON + began + ringing, talk_s, f"{call}@trunkline", "alpha/main")


CALLS = [
    ours("a", "+14155550101", 0.0, 60.2), ours("b", "+14155550102", 100.0, 6.0, 3.0), ours("c", "+442071234567", 200.0, 61.0, 12.0),
    ours("d", "+14155550103", 300.0, 30.0, 5.0), ours("e", "+14155550103", 345.0, 12.0, 9.0),
]  # fmt: skip


def invoice(*lines: str, head: str = "called,start,duration,billed,rate,amount") -> list[Line]:
    found = read_invoice("\n".join([head, *lines]).encode(), currency="USD")
    assert all(isinstance(line, Line) for line in found), found
    return found  # type: ignore[return-value]


def billed(call: Ours, clock: float = 0.0, **changed: float) -> str:
    """The line of a carrier that bills as agreed, but for what is changed."""
    price = agreed(call.called, 0.0)
    assert price is not None
    rate = price.rate
    seconds = rate.first_s
    while seconds < call.talk_s - 0.5:
        seconds += rate.next_s
    values = {"duration": round(call.talk_s), "billed": seconds, "rate": rate.per_minute, "amount": 0.0} | changed
    if "amount" not in changed:
        values["amount"] = round(values["rate"] * values["billed"] / 60 + rate.fee + (rate.short_call_fee if call.talk_s <= 6 else 0), 6)
    at = datetime.fromtimestamp(call.answered_s + clock, UTC).isoformat()
    return f"{call.called},{at},{values['duration']},{values['billed']},{values['rate']},{values['amount']}"


def compared(*lines: str, calls: list[Ours] = CALLS) -> Reconciliation:
    return reconcile(invoice(*lines), calls, agreed, currency="USD")


def test_an_invoice_that_is_right_agrees() -> None:
    found = compared(*map(billed, CALLS))
    assert found.agrees, found.differences
    assert (found.matched, found.starts) == (5, "answer")
    totals = {total.prefix: total for total in found.totals}
    assert (totals["1"].calls, totals["1"].billed_calls, totals["44"].billed_s) == (4, 4, 120.0)
    assert totals["44"].billed == pytest.approx(0.122)
    assert totals["1"].expected == pytest.approx(totals["1"].billed, abs=0.002)


def test_a_call_that_is_not_billed_is_missing_and_one_we_never_placed_is_extra() -> None:
    strange = f"14155559999,{datetime.fromtimestamp(NOON + 50, UTC).isoformat()},30,30,0.01,0.005"
    found = compared(*map(billed, CALLS[1:]), strange)
    missing, extra = sorted(found.differences, key=lambda difference: difference.kind, reverse=True)
    assert (missing.kind, missing.call, extra.kind, extra.line, extra.over) == ("missing", "a", "extra", 6, 0.005)
    assert missing.over == pytest.approx(-0.011)


def test_a_call_billed_too_long_is_told_with_what_it_costs() -> None:
    found = compared(billed(CALLS[0], duration=95, billed=96), *map(billed, CALLS[1:]))
    (difference,) = found.differences
    assert (difference.kind, difference.call, difference.line) == ("duration", "a", 2)
    assert difference.over == pytest.approx((96 - 66) * 0.01 / 60)


def test_a_second_more_or_less_is_rounding() -> None:
    assert compared(billed(CALLS[0], duration=61, billed=66), *map(billed, CALLS[1:])).agrees
    assert compared(billed(CALLS[0], duration=60, billed=60), *map(billed, CALLS[1:])).agrees


def test_a_carrier_that_writes_down_billed_seconds_alone_is_understood() -> None:
    call = CALLS[0]
    text = f"called,start,duration,amount\n{call.called},{datetime.fromtimestamp(call.answered_s, UTC).isoformat()},66,0.011\n"
    read = [line for line in read_invoice(text.encode()) if isinstance(line, Line)]
    assert reconcile(read, [call], agreed).agrees


def test_a_talk_time_that_is_wrong_is_told_though_it_costs_nothing() -> None:
    found = compared(*map(billed, CALLS[:2]), billed(CALLS[2], duration=100, billed=120), *map(billed, CALLS[3:]))
    assert [(difference.kind, difference.over) for difference in found.differences] == [("duration", 0.0)]


def test_amounts_in_whole_cents_are_rounded_and_others_are_not() -> None:
    calls = [ours("p", "+14155550107", 0.0, 60.0), ours("q", "+14155550108", 50.0, 150.0)]
    assert compared(billed(calls[0], amount=0.01), billed(calls[1], amount=0.03), calls=calls).agrees
    found = compared(billed(calls[0], amount=0.0133), billed(calls[1], amount=0.03), calls=calls)
    assert [difference.call for difference in found.differences] == ["p", "q"]


def test_wrong_increments_are_a_difference_though_the_duration_is_right() -> None:
    found = compared(billed(CALLS[3], duration=30, billed=60), *(billed(call) for call in CALLS if call.call != "d"))
    assert [difference.kind for difference in found.differences] == ["duration"]
    assert "agreed 6/6" in found.differences[0].text


def test_a_dearer_minute_is_a_difference_of_rate_alone() -> None:
    found = compared(*map(billed, CALLS[:2]), billed(CALLS[2], rate=0.08), *map(billed, CALLS[3:]))
    (difference,) = found.differences
    assert (difference.kind, difference.called) == ("rate", "+442071234567")
    assert difference.over == pytest.approx(0.02 * 2)


def test_an_amount_that_seconds_and_rate_do_not_make_is_a_difference() -> None:
    found = compared(*map(billed, CALLS[:2]), billed(CALLS[2], amount=0.2051), *map(billed, CALLS[3:]))
    assert [difference.kind for difference in found.differences] == ["amount"]
    assert found.differences[0].over == pytest.approx(0.2051 - 0.122)


def test_a_clock_that_is_off_and_starts_at_the_invite_are_found_out() -> None:
    found = compared(*(billed(call, clock=37.0) for call in CALLS))
    assert (found.agrees, found.starts, found.offset_s) == (True, "answer", 37.0)
    found = compared(*(billed(call, clock=call.began_s - call.answered_s - 2.0) for call in CALLS))
    assert (found.agrees, found.starts, found.offset_s) == (True, "attempt", -2.0)


def test_two_calls_to_one_number_are_not_mixed_up() -> None:
    near = [ours("x", "+14155550105", 0.0, 30.0, 2.0), ours("y", "+14155550105", 4.0, 6.0, 2.0)]
    assert compared(billed(near[1]), billed(near[0]), calls=near).agrees


def test_a_call_id_matches_where_times_do_not() -> None:
    line = f"14155550101,{datetime.fromtimestamp(NOON + 4000, UTC).isoformat()},60,66,0.01,0.011,a@trunkline"
    found = reconcile(invoice(line, head="called,start,duration,billed,rate,amount,call_id"), CALLS[:1], agreed)
    assert found.matched == 1


def test_a_number_the_deck_does_not_have_is_told() -> None:
    call = ours("z", "+33142685300", 0.0, 60.0)
    found = reconcile(invoice(f"33142685300,{datetime.fromtimestamp(call.answered_s, UTC).isoformat()},60,60,0.05,0.05"), [call], agreed)
    assert [(difference.kind, difference.over) for difference in found.differences] == [("unpriced", 0.05)]


def test_carriers_names_for_columns_and_their_ways_of_writing_time() -> None:
    text = b"DNIS;Start Time;Seconds;Cost\n+1 (415) 555-0101;2026-03-01 07:00:08;1:00;0.011\n14155550102;1772366503;6;0.001\n"
    lines = read_invoice(text, "America/New_York")
    assert [(line.called, line.start_s, line.duration_s) for line in lines if isinstance(line, Line)] == [
        ("14155550101", NOON + 8, 60.0), ("14155550102", 1_772_366_503.0, 6.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("called,start\n", 1, "no column `duration`"), ("called,start,duration\nanonymous,2026-03-01,5\n", 2, "`anonymous` is no number"),
        ("called,start,duration\n1415,noon,5\n", 2, "`noon` is no time"), ("called,start,duration\n1415,2026-03-01,long\n", 2, "`long` is no duration"),
        ("called,start,duration,amount\n1415,2026-03-01,5,free\n", 2, "`free` is no amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(text: str, line: int, message: str) -> None:
    (problem,) = read_invoice(text.encode())
    assert isinstance(problem, Problem)
    assert (problem.line, message in problem.message) == (line, True)
    assert problem.fix
