"""Choosing a number: stickiness, places, health, spread, caps; and a refusal instead of a wrong number."""

import time
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.numbers.market import DAY, HOUR, SECOND, Market, ended
from trunkline.facts.numbers import NumberTaken
from trunkline.facts.refusal import NONE_LEFT, NOT_PRESENTABLE, TOO_FAR
from trunkline.numbers import Areas, Ask, Chosen, Event, Kind, Nobody, NumberBook, Ranges, Rule
from trunkline.policy.areas import Area
from trunkline.policy.number_rules import Rules

AREAS = Areas((
    Area("san-francisco", "US", ("1415",), 37.77, -122.42), Area("oakland", "US", ("1510",), 37.80, -122.27),
    Area("new-york", "US", ("1212",), 40.71, -74.01), Area("toronto", "CA", ("1416",), 43.65, -79.38),
))  # fmt: skip
WIDE = Rules(per_minute=10, per_hour=90, per_day=400, concurrent=10)


def places(rules: Rules = WIDE) -> Market:
    market = Market(rules, AREAS)
    market.hold("+12125550100", area="new-york")
    market.hold("+15105550100", area="oakland")
    market.hold("+14155550100", area="san-francisco")
    return market


def test_a_callee_sees_the_same_number_again() -> None:
    market = Market(WIDE)
    market.hold(*(f"+1415555{i:04}" for i in range(100)))
    first = market.take("+12125550000")
    assert isinstance(first, NumberTaken)
    assert first.chosen == "any"
    for _ in range(5):
        market.now += HOUR
        again = market.take("+12125550000")
        assert isinstance(again, NumberTaken)
        assert (again.number, again.chosen) == (first.number, "sticky")
    market.now += 31 * DAY
    later = market.choose("+12125550000")
    assert isinstance(later, Chosen)
    assert later.why != "sticky"


def test_the_number_of_the_callees_area_then_the_nearest_then_any() -> None:
    market = places()
    seen = []
    for _ in range(3):
        taken = market.take(f"+1415{2_000_000 + len(seen)}")
        assert isinstance(taken, NumberTaken)
        seen.append((taken.number, taken.chosen, round(taken.distance_km)))
        market.person(taken.number, Event.REST)
    assert seen == [("+14155550100", "local", 0), ("+15105550100", "near", 14), ("+12125550100", "country", 4129)]
    refused = market.choose("+14152000009")
    assert isinstance(refused, Nobody)
    assert (refused.refusal, refused.excluded) == (NONE_LEFT, {"cooling": 3})


def test_another_table_of_areas_holds_for_the_very_next_call_and_keeps_nobody_waiting() -> None:
    market = places()
    market.hold(*(f"+1{300 + i // 100}{2_000_000 + i % 100}" for i in range(5_000)), pool="many", state=None)
    market.person("+15105550100", Event.REST)
    nearest = market.choose("+15105550000")
    assert isinstance(nearest, Chosen)
    assert nearest.number == "+14155550100"
    oakland, san_francisco, new_york = (AREAS.by_name[name] for name in ("oakland", "san-francisco", "new-york"))
    moved = (oakland, replace(san_francisco, latitude=-10.0), replace(new_york, latitude=oakland.latitude, longitude=oakland.longitude))
    began = time.process_time()
    market.book.apply_rules(lambda pool: WIDE, moved)
    assert time.process_time() - began < 0.01, "no number is sorted anew: its row says which area it is of"
    nearest = market.choose("+15105550000")
    assert isinstance(nearest, Chosen)
    assert (nearest.number, nearest.why) == ("+12125550100", "near")


def test_a_local_pool_would_rather_refuse_than_call_from_afar() -> None:
    market = places(Rules(local_only=True))
    answer = market.choose("+14162000000")
    assert isinstance(answer, Nobody)
    assert answer.refusal is TOO_FAR


def test_a_suspected_number_is_exposed_less_and_not_forgotten() -> None:
    market = Market(Rules(per_minute=10, per_hour=90, per_day=400, concurrent=10))
    market.hold(*(f"+1415555010{i}" for i in range(10)))
    market.label("+14155550100")
    market.day_of_calls(1_000, lambda number, gateway: 0.3)
    uses = []
    for i in range(10):
        life = market.book.life(f"+1415555010{i}")
        assert life is not None
        uses.append(life.total)
    assert 15 <= uses[0] <= 40
    assert min(uses[1:]) >= 95


def test_pools_are_never_mixed() -> None:
    market = Market(WIDE)
    market.hold("+14155550100", pool="collect", use="collections")
    answer = market.choose(pool="sales-us")
    assert isinstance(answer, Nobody)
    assert answer.refusal.code == "numbers.no_pool"
    stranger = market.book.choose(Ask("collect", "+14155550123", "other"), market.now, market.random)
    assert isinstance(stranger, Nobody)


def test_kinds_that_may_not_be_shown_are_not_chosen_not_even_to_be_sticky() -> None:
    market = Market(WIDE)
    market.hold("+14155550100", type="mobile")
    market.take("+12125550000")
    geographic = frozenset((Kind("US", "geographic", "alpha"),))
    answer = market.book.choose(Ask("sales-us", "+12125550000", "acme", geographic), market.now, market.random)
    assert isinstance(answer, Nobody)
    assert answer.refusal is NOT_PRESENTABLE
    mobile = frozenset((Kind("US", "mobile", "alpha"),))
    assert isinstance(market.book.choose(Ask("sales-us", "+12125550000", "acme", mobile), market.now, market.random), Chosen)


def test_use_is_spread_evenly_and_not_in_turn() -> None:
    market = Market(Rules(per_minute=10, per_hour=90, per_day=400, concurrent=10))
    market.hold(*(f"+1415555{i:04}" for i in range(200)))
    order = []
    for i in range(4_000):
        market.now += 2 * SECOND
        taken = market.take(f"+1212{2_000_000 + i}")
        assert isinstance(taken, NumberTaken)
        order.append(taken.number)
        market.emit(ended(taken.call, market.now, 1.0))
    counts = Counter(order)
    assert len(counts) == 200
    assert max(counts.values()) - min(counts.values()) <= 6
    rounds = [order[first : first + 200] for first in range(0, 4_000, 200)]
    assert len({tuple(one) for one in rounds}) == 20


def test_when_all_are_capped_the_call_is_refused_with_the_counts_and_time_or_an_end_lifts_it() -> None:
    market = Market(Rules(per_minute=1, per_hour=90, per_day=400, concurrent=1))
    market.hold("+14155550100", "+14155550101")
    first, second = market.take("+12125550000"), market.take("+12125550001")
    assert isinstance(first, NumberTaken)
    assert isinstance(second, NumberTaken)
    answer = market.choose("+12125550002")
    assert isinstance(answer, Nobody)
    assert (answer.refusal.code, answer.excluded) == ("numbers.none_left", {"concurrent cap": 2})
    market.emit(ended(first.call, market.now, 1_000.0))
    answer = market.choose("+12125550002")
    assert isinstance(answer, Nobody)
    assert answer.excluded == {"concurrent cap": 1, "minute cap": 1}
    market.now += 61 * SECOND
    answer = market.choose("+12125550002")
    assert isinstance(answer, Chosen)
    assert answer.number == first.number


def test_at_midnight_every_number_is_free_though_few_were_looked_at() -> None:
    market = Market(Rules(per_minute=10, per_hour=90, per_day=1, concurrent=10))
    market.hold(*(f"+1415555{i:04}" for i in range(1_000)))
    assert market.day_of_calls(1_200, lambda number, gateway: 0.2) == 200
    market.now += 1
    assert market.day_of_calls(1_000, lambda number, gateway: 0.2) == 0


def test_numbers_whose_rest_is_over_but_not_reviewed_do_not_hide_one_that_has_room() -> None:
    market = Market(Rules(per_day=1, rest_days=7))
    resting = [f"+1415555{i:04}" for i in range(40)]
    market.hold(*resting, "+14155559999")
    for number in resting:
        market.person(number, Event.REST)
    market.now += 7 * DAY - HOUR
    assert isinstance(market.take("+12125550001"), NumberTaken)
    market.now += 14 * HOUR
    answer = market.choose("+12125550002")
    assert isinstance(answer, Chosen)
    assert answer.number == "+14155559999"


def test_changed_rules_hold_for_the_very_next_call() -> None:
    market = Market(WIDE)
    market.hold("+14155550100")
    for i in range(3):
        market.take(f"+1212555000{i}")
    market.rules = Rules(per_day=3)
    market.book.apply_rules(lambda pool: market.rules)
    answer = market.choose("+12125550009")
    assert isinstance(answer, Nobody)
    assert answer.excluded == {"day cap": 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["take", "end", "rest", "reinstate", "wait", "label", "alarm"]), st.integers(0, 9)), max_size=80))
def test_whatever_happens_no_number_is_chosen_that_has_no_room_and_the_counts_agree(steps: list[tuple[str, int]]) -> None:
    from trunkline.facts.numbers import PoolAlarm
    from trunkline.numbers.usage import room

    rules = Rules(per_minute=2, per_hour=5, per_day=8, concurrent=2)
    market = Market(rules)
    numbers = [f"+1415555010{i}" for i in range(4)]
    market.hold(*numbers)
    up: list[str] = []
    alarm = False
    for what, which in steps:
        number = numbers[which % 4]
        state = market.state(number)
        if what == "take":
            taken = market.choose(f"+1212555000{which}")
            share = rules.pool_cap_share if alarm else 1.0
            if isinstance(taken, Chosen):
                life = market.book.life(taken.number)
                assert life is not None
                assert room(life, rules, share, market.now) == ("", 0)
                fact = market.book.take(taken, f"c{len(market.journal)}", f"+1212555000{which}", "", "", market.now)
                market.emit(fact)
                up.append(fact.call)
            else:
                lives = [market.book.life(one) for one in numbers]
                assert all(life is not None and room(life, rules, share, market.now)[0] for life in lives)
                assert sum(taken.excluded.values()) == 4
        elif what == "end" and up:
            market.emit(ended(up.pop(which % len(up)), market.now, 1.0))
        elif what == "rest" and state in ("production", "recovery"):
            market.person(number, Event.REST)
        elif what == "reinstate" and state == "cooling":
            market.person(number, Event.REINSTATE)
        elif what == "label":
            market.label(number)
        elif what == "alarm":
            alarm = not alarm
            market.emit(PoolAlarm(market.now, "sales-us", alarm, "test", {}, "ann"))
        market.now += which * 11 * SECOND if what == "wait" else 1


# The caller ID a dialer sends (N13).

NUMBER = "+14155550100"


def presented(market: Market, sent: str, rule: Rule, ranges: Ranges | None = None) -> str:
    answer = market.book.present(sent, rule, Ask("sales-us", "+12125550000", "acme"), ranges or Ranges(), market.now, market.random)
    return answer.number if isinstance(answer, Chosen) else answer.refusal.code


def test_a_dialers_number_is_honoured_when_it_is_owned_proven_healthy_and_under_its_caps() -> None:
    market = Market(Rules(concurrent=1))
    market.hold(NUMBER, "+14155550101")
    assert presented(market, NUMBER, Rule.HONOUR) == NUMBER
    assert presented(market, NUMBER, Rule.PREFER) == NUMBER
    market.emit(market.book.take(Chosen(NUMBER, "dialer", -1.0, 1, {}), "c1", "+12125550000", "", "", market.now))
    assert presented(market, NUMBER, Rule.HONOUR) == "numbers.capped"
    assert presented(market, NUMBER, Rule.PREFER) == "+14155550101"


def test_it_is_refused_for_what_is_wrong_with_it_and_replaced_where_the_trunk_says_so() -> None:
    market = Market()
    market.hold("+14155550101")
    market.hold("+14155550102", proof="", proof_from="")
    market.hold("+14155550103")
    market.person("+14155550103", Event.RETIRE)
    market.hold("+14155550104", owner="other", pool="other")
    ranges = Ranges(never=lambda number: number == "+12025550199", allocated=lambda number: not number.startswith("+1999"))
    for sent, code in (
        ("+14155550102", "numbers.unproven"), ("+14155550103", "numbers.resting"), ("+14155550104", "numbers.not_owned"), ("+12125559999", "numbers.not_owned"),
    ):  # fmt: skip
        assert presented(market, sent, Rule.HONOUR, ranges) == code
        assert presented(market, sent, Rule.PREFER, ranges) == "+14155550101"
    for sent, code in (("+1123", "numbers.invalid_caller"), ("anonymous", "numbers.invalid_caller"), ("+12025550199", "numbers.do_not_originate"), ("+19995550100", "numbers.unallocated_caller")):
        assert presented(market, sent, Rule.HONOUR, ranges) == code
        assert presented(market, sent, Rule.PREFER, ranges) == code
        assert presented(market, sent, Rule.REPLACE, ranges) == "+14155550101"


# Call-backs (N14).


def test_a_call_back_reaches_campaign_and_agent_in_every_state_but_released() -> None:
    market = Market()
    market.hold(NUMBER)
    taken = market.take("+12125550000", campaign="spring", agent="eve")
    assert isinstance(taken, NumberTaken)
    states = []
    for event in (None, Event.REST, Event.REINSTATE, Event.RETIRE):
        if event:
            market.person(NUMBER, event)
        called = market.book.callback(NUMBER, "+12125550000")
        assert called is not None
        assert (called.owner, called.campaign, called.agent, called.call) == ("acme", "spring", "eve", taken.call)
        states.append(called.state)
    assert states == ["production", "cooling", "recovery", "retired"]
    market.person(NUMBER, Event.RELEASE)
    assert market.book.callback(NUMBER, "+12125550000") is None


def test_a_stranger_who_calls_a_pool_number_reaches_its_default_campaign() -> None:
    market = Market()
    market.hold(NUMBER)
    called = market.book.callback(NUMBER, "+12125550000")
    assert called is not None
    assert (called.campaign, called.agent, called.call) == ("reception", "", "")
    assert market.book.callback("+12125559999", "+12125550000") is None


def test_an_empty_book_refuses() -> None:
    from random import Random

    answer = NumberBook().choose(Ask("p", "+12125550000", "acme"), 0, Random(1))
    assert isinstance(answer, Nobody)
