"""Whatever comes: carriers' rates hold, nobody waits longer than its trunk allows, every call has one record, and nothing is kept."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.decide.stage import Stage
from trunkline.facts.record import GatewayState

POLICY = """
tenants: {acme: {}}
trunks:
  one: {tenant: acme, addresses: [10.0.0.1], cps: %s, pacing: {wait: 900ms, queue: 8}, number_plan: {country_code: "1", min_digits: 3}}
  two: {tenant: acme, addresses: [10.0.0.2], channels: 30, pacing: {wait: 2s, queue: 30, weight: 2.0}, number_plan: {country_code: "1", min_digits: 3}}
  three: {tenant: acme, addresses: [10.0.0.3], number_plan: {country_code: "1", min_digits: 3}}
carriers:
  a: {cps: %s, gateways: {g: {host: "10.1.0.1", options: 0, cps: %s}, h: {host: "10.1.0.2", options: 0}}}
  b: {channels: 9, gateways: {g: {host: "10.1.0.3", options: 0, cps: %s}}}
destinations:
  us: {prefixes: ["1"], %s}
  canada: {prefixes: ["1416"], routes: [{to: b}]}
"""


@settings(max_examples=40, deadline=None)
@given(st.randoms(use_true_random=False))
def test_rates_hold_and_nothing_is_left_behind(draw: random.Random) -> None:
    rates = {"a": draw.choice((2, 5, 10)), "a/g": draw.choice((0, 1, 4)), "b": draw.choice((1, 3))}
    texts = (draw.choice((0, 4)), rates["a"], rates["a/g"], rates["b"], draw.choice(("routes: [{to: a}, {to: b}]", "strategy: percentage, routes: [{to: a, share: 50}, {to: b, share: 50}]")))
    on = Stage(POLICY % texts)
    waits = {"one": 0.9, "two": 2.0, "three": 0.0}
    live: list[tuple[str, str, str]] = []
    for i in range(draw.randrange(10, 60)):
        host, number = f"10.0.0.{draw.randrange(1, 4)}", draw.choice(("1415555", "1416555")) + str(1000 + i)
        live.append((on.invite(number, host), host, number))
        fate = draw.random()
        if fate < 0.1:
            call, host, number = live.pop(draw.randrange(len(live)))
            if on.told[call][-1] < 200:
                on.cancel(call, host, number)
        elif fate < 0.15:
            condition = on.core.health.condition(draw.choice(("a/g", "a/h", "b/g")))
            condition.up = not condition.up
        elif fate < 0.18:
            on.change((POLICY % texts).replace("wait: 2s", f"wait: {draw.choice((500, 2000))}ms"))
        elif fate < 0.21:
            now = {"a": draw.choice((2, 5, 10)), "a/g": draw.choice((1, 4)) if rates["a/g"] else 0, "b": draw.choice((1, 3))}
            rates = {name: max(rate, now[name]) for name, rate in rates.items()}
            texts = (texts[0], now["a"], now["a/g"], now["b"], texts[4])
            on.change(POLICY % texts)
        elif fate < 0.24:
            on.core.emit(GatewayState("a/g", 0, "up", "news"), on.now)
            on.turn()
        on.run(draw.choice((0.0, 0.01, 0.05, 0.3)))
    for name in ("a/g", "a/h", "b/g"):
        on.core.health.condition(name).up = True
    on.check_clean()
    gone = {"a": on.invites("10.1.0.1") + on.invites("10.1.0.2"), "a/g": on.invites("10.1.0.1"), "b": on.invites("10.1.0.3")}
    for name, invites in gone.items():
        moments = sorted(at for at, _ in invites)
        for begin in moments if rates[name] else ():
            within = sum(begin <= at < begin + 0.999 for at in moments)
            assert within <= 2 * rates[name], "a second's worth at once, and a second's worth after it"
    placed = {number.lstrip("+"): at for at, number in reversed(on.invites())}
    for fact in on.parked():
        came = (fact.at - 1_780_000_000_000_000) / 1e6
        if fact.called_raw in placed:
            assert placed[fact.called_raw] - came <= waits[fact.trunk] + 0.05, "longer than its trunk allows"
    assert len({call.call for call in on.calls()}) == len(on.calls())
