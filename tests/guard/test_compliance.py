"""The whole question: may this callee be called now, by this trunk, for this campaign?"""

import random
from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberComplaint
from trunkline.facts.record import Attempt
from trunkline.guard import Compliance
from trunkline.guard.do_not_call_build import rewrite
from trunkline.policy import Snapshot, load_policy
from trunkline.policy.snapshot import Trunk

from .calls import ended, started

POLICY = """\
tenants: {{acme: {{}}, other: {{}}}}
trunks:
  vici: {{tenant: acme, addresses: [192.0.2.1], metadata: {{campaign: header:X-Campaign, purpose: header:X-Purpose, zone: header:X-Zone}}}}
  theirs: {{tenant: other, addresses: [192.0.2.2]}}
carriers: {{alpha: {{gateways: {{ny: {{host: 192.0.2.9}}}}}}}}
destinations:
  us: {{prefixes: ["1"], routes: [{{to: alpha}}]}}
  world: {{prefixes: [""], routes: [{{to: alpha}}]}}
{more}
"""
NEW_YORK, FLORIDA, PARIS, TOLL_FREE = "+12125550100", "+13055550100", "+33145550100", "+18005550100"


def compliance(more: str, lists: Path | None = None) -> tuple[Compliance, Trunk, Snapshot]:
    policy = load_policy(POLICY.format(more=more))
    assert isinstance(policy, Snapshot), [str(problem) for problem in policy]
    found = Compliance(lists)
    found.follow(policy)
    return found, policy.trunks["vici"], policy


def us(text: str, zone: str = "America/New_York") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1e6)


NOON = us("2026-11-23 12:00")  # a Monday


def attempt(call: str, heard: str) -> Attempt:
    plain = dict.fromkeys(("status", "cause", "retransmissions", "retry_after_s", "total_ms"), 0)
    texts = dict.fromkeys(Attempt.__struct_fields__, "") | plain | dict.fromkeys(
        ("first_reply_ms", "progress_ms", "alerting_ms", "early_media_ms", "answer_ms", "talk_ms"), None
    )  # fmt: skip
    known = {name: texts[name] for name in Attempt.__struct_fields__[: Attempt.__struct_fields__.index("session_id") + 1]}
    return Attempt(**(known | {"call": call, "position": 1, "at": NOON, "censored": False, "ambiguous": False, "heard": heard}))


def test_without_rules_nobody_is_refused() -> None:
    found, trunk, _ = compliance("")
    assert found.refuses(trunk, NEW_YORK, "us", {}, us("2026-11-23 03:00")) is None


def test_outside_calling_hours_the_dialer_is_told_when_they_begin() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us]}")
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON) is None
    denied = found.refuses(trunk, NEW_YORK, "us", {}, us("2026-11-23 21:00"))
    assert denied is not None
    assert denied.refusal.code == "compliance.window"
    assert denied.again_us == us("2026-11-24 08:00")
    assert denied.refusal.retry_after_s == 11 * 3600
    assert denied.text == "outside us-hours (47 CFR 64.1200(c)(1); 16 CFR 310.4(c)) in America/New_York, opens 2026-11-24T13:00:00Z"


def test_a_state_with_stricter_hours_has_them() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us, us_states]}")
    evening = us("2026-11-23 20:30")
    assert found.refuses(trunk, NEW_YORK, "us", {}, evening) is None
    denied = found.refuses(trunk, "+17865550100", "us", {}, evening)  # Miami
    assert denied is not None
    assert "us-states-8-20 " in denied.text


def test_an_area_code_in_two_zones_waits_for_the_later_and_stops_with_the_earlier() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us]}")
    panhandle = "+18505550100"  # Florida: Eastern and Central
    assert found.refuses(trunk, panhandle, "us", {}, us("2026-11-23 08:30")) is not None
    assert found.refuses(trunk, panhandle, "us", {}, us("2026-11-23 09:00")) is None
    assert found.refuses(trunk, panhandle, "us", {}, us("2026-11-23 20:59")) is None
    assert found.refuses(trunk, panhandle, "us", {}, us("2026-11-23 21:00")) is not None


def test_a_number_nobody_can_place_is_called_only_when_it_is_day_everywhere_it_may_be() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us, us_states]}")
    open_minutes = [m for m in range(0, 1440, 10) if found.refuses(trunk, TOLL_FREE, "us", {}, us("2026-11-24 00:00", "UTC") + m * 60_000_000) is None]
    assert open_minutes
    guam, adak = ZoneInfo("Pacific/Guam"), ZoneInfo("America/Adak")
    for minute in open_minutes:
        moment = datetime.fromtimestamp(us("2026-11-24 00:00", "UTC") / 1e6 + minute * 60, ZoneInfo("UTC"))
        assert all(8 <= moment.astimezone(zone).hour < 21 for zone in (guam, adak))


def test_french_hours_have_a_lunch_and_no_weekend() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [fr]}")
    for text, open_ in (("11-23 10:00", True), ("11-23 13:30", False), ("11-23 19:59", True), ("11-23 20:00", False), ("11-21 15:00", False)):
        assert (found.refuses(trunk, PARIS, "world", {}, us(f"2026-{text}", "Europe/Paris")) is None) == open_, text


def test_a_rule_comes_into_force_on_its_day_without_anybody_doing_anything() -> None:
    found, trunk, _ = compliance('compliance: {rules: {later: {jurisdictions: [US-NY], since: 2026-12-01, windows: [{begins: "09:00", ends: "17:00"}]}}}')
    assert found.refuses(trunk, NEW_YORK, "us", {}, us("2026-11-30 20:00")) is None
    assert found.refuses(trunk, NEW_YORK, "us", {}, us("2026-12-01 20:00")) is not None


def test_an_own_rule_takes_the_place_of_a_shipped_one_of_its_name() -> None:
    found, trunk, _ = compliance('compliance: {defaults: [us], rules: {us-hours: {jurisdictions: [US], windows: [{begins: "08:00", ends: "22:00"}]}}}')
    assert found.refuses(trunk, NEW_YORK, "us", {}, us("2026-11-23 21:30")) is None


def test_exempt_calls_pass_the_law_but_not_the_list(tmp_path: Path) -> None:
    rewrite(tmp_path / "all.dnc", add=[12125550199])
    found, trunk, _ = compliance("compliance: {defaults: [us], exempt: {purposes: [service]}}", tmp_path)
    night, service = us("2026-11-23 03:00"), {"purpose": "service"}
    assert found.refuses(trunk, NEW_YORK, "us", {}, night) is not None
    assert found.refuses(trunk, NEW_YORK, "us", service, night) is None
    denied = found.refuses(trunk, "+12125550199", "us", service, NOON)
    assert denied is not None
    assert denied.refusal.code == "compliance.do_not_call"


def test_the_dialer_may_know_better_where_the_callee_is() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us], callee_zone: dialer}")
    early = us("2026-11-23 09:00")
    assert found.refuses(trunk, NEW_YORK, "us", {}, early) is None
    assert found.refuses(trunk, NEW_YORK, "us", {"zone": "America/Los_Angeles"}, early) is not None
    assert found.refuses(trunk, NEW_YORK, "us", {"zone": "Mars/Olympus"}, early) is None, "an unknown zone leaves what the number says"


def test_a_list_is_in_force_as_soon_as_the_node_looks_and_only_for_its_tenant(tmp_path: Path) -> None:
    found, trunk, policy = compliance("", tmp_path)
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON) is None
    rewrite(tmp_path / "acme.dnc", add=[12125550100])
    assert found.look() == ["acme"]
    denied = found.refuses(trunk, NEW_YORK, "us", {}, NOON)
    assert denied is not None
    assert (denied.refusal.code, denied.text, denied.again_us) == ("compliance.do_not_call", "callee on the do-not-call list acme", 0)
    assert found.refuses(policy.trunks["theirs"], NEW_YORK, "us", {}, NOON) is None


def opt_out(number: str, callee: str) -> NumberComplaint:
    return NumberComplaint(NOON, number, callee, "opt_out", "agent", "")


def test_an_opt_out_holds_towards_the_tenant_that_called_and_survives_a_restart() -> None:
    found, _, policy = compliance("")
    found.apply(NumberAdded(NOON, "+14155550100", "acme", "geographic", "US", "", "sales", "p", "", "", "", "", "", ""))
    found.apply(NumberAdded(NOON, "+14155550101", "acme", "geographic", "US", "", "sales", "p", "", "", "", "", "", ""))
    found.apply(NumberChanged(NOON, "+14155550101", {"owner": "other"}, ""))
    for number, callee in (("+14155550100", NEW_YORK), ("+14155550101", FLORIDA), ("+1999", PARIS)):
        found.apply(opt_out(number, callee))
        found.apply(opt_out(number, callee))
    assert len(found.opt_outs) == 3
    again = Compliance(None)
    again.follow(policy)
    again.load(list(found.dump()))
    for each in (found, again):
        told = [[(d := each.refuses(policy.trunks[name], callee, "us", {}, NOON)) and d.refusal.code for callee in (NEW_YORK, FLORIDA, PARIS)] for name in ("vici", "theirs")]
        no = "compliance.do_not_call"
        assert told == [[no, None, no], [None, no, no]]
    again.apply(opt_out("+14155550101", NEW_YORK))
    assert again.refuses(policy.trunks["theirs"], NEW_YORK, "us", {}, NOON) is not None


RETRIES = "retries: {patient: {after: {busy: 15m, human: 7d, short: 3d}, caps: [{calls: 2, within: 24h}]}}"


def test_a_busy_callee_is_left_alone_as_long_as_the_rule_says() -> None:
    found, trunk, _ = compliance(RETRIES)
    found.apply(ended(at=NOON, total_ms=5_000.0))
    denied = found.refuses(trunk, NEW_YORK, "us", {}, NOON + 60_000_000)
    assert denied is not None
    assert denied.refusal.code == "retries.too_soon"
    assert denied.again_us == NOON + 905_000_000
    assert denied.refusal.retry_after_s == 845
    assert denied.text == f"patient: the last call came to busy, again from {datetime.fromtimestamp(denied.again_us / 1e6, ZoneInfo('UTC')):%Y-%m-%dT%H:%M:%SZ}"
    assert found.refuses(trunk, NEW_YORK, "us", {}, denied.again_us) is None
    assert found.refuses(trunk, FLORIDA, "us", {}, NOON + 60_000_000) is None


def test_somebody_who_hung_up_at_once_is_not_called_again_soon() -> None:
    found, trunk, _ = compliance(RETRIES)
    found.apply(ended(at=NOON, result="answered", answer_ms=1.0, talk_ms=3_000.0, total_ms=8_000.0))
    denied = found.refuses(trunk, NEW_YORK, "us", {}, NOON + 86_400_000_000)
    assert denied is not None
    assert (denied.again_us, "came to short" in denied.text) == (NOON + 8_000_000 + 3 * 86_400_000_000, True)


def test_what_listening_heard_decides_between_a_human_and_a_machine() -> None:
    found, trunk, _ = compliance("retries: {patient: {after: {human: 7d}}}")
    for number, heard in ((NEW_YORK, "human"), (FLORIDA, "machine")):
        found.apply(attempt(f"call {heard}", heard))
        found.apply(ended(call=f"call {heard}", at=NOON, called=number, result="answered", answer_ms=1.0, talk_ms=60_000.0))
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON + 86_400_000_000) is not None
    assert found.refuses(trunk, FLORIDA, "us", {}, NOON + 86_400_000_000) is None


def test_nobody_is_called_while_a_call_to_them_is_under_way() -> None:
    found, trunk, policy = compliance(RETRIES)
    found.apply(started("c1", NEW_YORK, NOON))
    denied = found.refuses(trunk, NEW_YORK, "us", {}, NOON + 1_000_000)
    assert denied is not None
    assert (denied.refusal.code, denied.refusal.retry_after_s) == ("retries.too_soon", 60)
    assert found.refuses(policy.trunks["theirs"], NEW_YORK, "us", {}, NOON + 1_000_000) is None
    found.apply(ended(call="c1", at=NOON, result="cancelled"))
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON + 1_000_000) is None


def test_collections_are_capped_by_law_and_say_so() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us_collections]}")
    for n in range(7):
        assert found.refuses(trunk, NEW_YORK, "us", {"purpose": "collections"}, NOON + n * 3_600_000_000) is None
        found.apply(ended(call=f"c{n}", at=NOON + n * 3_600_000_000, result="no_answer"))
    later = NOON + 10 * 3_600_000_000
    denied = found.refuses(trunk, NEW_YORK, "us", {"purpose": "collections"}, later)
    assert denied is not None
    assert (denied.refusal.code, denied.again_us) == ("compliance.attempts", NOON + 7 * 86_400_000_000)
    assert found.refuses(trunk, NEW_YORK, "us", {"purpose": "sales"}, later) is None


def test_a_restart_forgets_neither_calls_nor_those_under_way() -> None:
    found, trunk, policy = compliance(RETRIES)
    found.apply(ended(call="c1", at=NOON, total_ms=1_000.0))
    found.apply(started("c2", FLORIDA, NOON))
    found.apply(attempt("c3", "human"))
    again = Compliance(None)
    again.follow(policy)
    again.load(list(found.dump()))
    again.apply(ended(call="c3", at=NOON, called=PARIS, result="answered", answer_ms=1.0, talk_ms=60_000.0))
    assert again.refuses(trunk, NEW_YORK, "us", {}, NOON + 2_000_000) is not None
    assert again.refuses(trunk, FLORIDA, "us", {}, NOON + 2_000_000) is not None
    denied = again.refuses(trunk, PARIS, "world", {}, NOON + 86_400_000_000)
    assert denied is not None
    assert "human" in denied.text


@pytest.mark.parametrize("damage", [b"", b"\x92\xa1x\xc4\x00", b"\x92\xa6ledger\xc4\x01\x00"])
def test_damage_is_an_error_and_leaves_nothing(damage: bytes) -> None:
    found, trunk, _ = compliance(RETRIES)
    found.apply(ended(at=NOON, total_ms=0.0))
    with pytest.raises(ValueError):  # noqa: PT011
        found.load([damage])
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON) is None


def test_the_law_speaks_before_own_rules_and_hours_before_counts() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us]}\n" + RETRIES)
    night = us("2026-11-23 23:00")
    found.apply(ended(at=night, total_ms=0.0))
    denied = found.refuses(trunk, NEW_YORK, "us", {}, night + 1)
    assert denied is not None
    assert denied.refusal.code == "compliance.window"


def test_every_text_may_stand_in_a_quoted_header() -> None:
    found, trunk, _ = compliance("compliance: {defaults: [us, us_states, us_collections, uk, fr]}")
    for called in (NEW_YORK, FLORIDA, PARIS, TOLL_FREE, "+12515550100", "+15025550100"):
        denied = found.refuses(trunk, called, "us", {}, us("2026-11-22 02:00", "UTC"))
        if denied is not None:
            assert denied.text.isascii()
            assert denied.text.isprintable()
            assert not set(denied.text) & set('"\\')


def test_a_ledger_too_small_for_its_rules_says_so() -> None:
    found, _, _ = compliance("compliance: {remember: 1000}\n" + RETRIES)
    for n in range(1_000):
        found.apply(ended(call=f"c{n}", called=f"+1212555{n:04}", at=NOON))
    assert found.forgotten_s(NOON + 3_600_000_000) == 0
    found.apply(ended(call="one more", at=NOON + 3_600_000_000))
    assert found.forgotten_s(NOON + 3_600_000_000) == 7 * 86_400 - 3_600


def test_rules_that_come_later_find_what_was_counted_under_the_policy_before() -> None:
    found, trunk, policy = compliance(RETRIES)
    found.apply(ended(at=NOON))
    other = load_policy(POLICY.format(more="retries: {strict: {after: {busy: 5h}}}"))
    assert isinstance(other, Snapshot)
    found.follow(other)
    denied = found.refuses(trunk, NEW_YORK, "us", {}, NOON + 3_600_000_000)
    assert denied is not None
    assert denied.text.startswith("strict: ")
    found.follow(policy)
    assert found.refuses(trunk, NEW_YORK, "us", {}, NOON + 3_600_000_000) is None


LAW = {"US-FL": (8, 20), "US-NY": (8, 21), "US-KY": (10, 21), "US-CT": (9, 20), "US-MI": (9, 21), "US-TX": (8, 21), "US-AL": (8, 20)}


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(LAW)), st.randoms(use_true_random=False), st.integers(us("2026-01-01") // 60_000_000, us("2027-01-01") // 60_000_000))
def test_nobody_is_called_outside_the_hours_of_their_state(state: str, draw: random.Random, minute: int) -> None:
    """Against the law as a table and the wall clocks of the area code's zones."""
    found, trunk, _ = compliance_once()
    place = draw.choice([place for place in found.zones.places if place.jurisdictions == (state,)])
    called = f"+{place.prefix}{draw.randrange(2_000_000, 9_999_999)}"
    begins, ends = LAW[state]
    clocks = [datetime.fromtimestamp(minute * 60, ZoneInfo(zone)) for zone in place.zones]
    allowed = all(begins <= clock.hour < ends and not (state == "US-AL" and clock.weekday() == 6) for clock in clocks)
    denied = found.refuses(trunk, called, "us", {}, minute * 60_000_000)
    assert (denied is None) == allowed
    if denied is not None:
        assert found.refuses(trunk, called, "us", {}, denied.again_us) is None
        assert found.refuses(trunk, called, "us", {}, denied.again_us - 1_000_000) is not None


@cache
def compliance_once() -> tuple[Compliance, Trunk, Snapshot]:
    return compliance("compliance: {defaults: [us, us_states]}")
