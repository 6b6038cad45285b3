"""A small market in virtual time: numbers, routes and callees whose truth the test knows."""

from collections.abc import Callable
from random import Random

from trunkline.facts.numbers import NumberAdded, NumberComplaint, NumberFact, NumberLabelled, NumberTaken, NumberTransition
from trunkline.facts.record import Attempt, Call, Fact, Hearing
from trunkline.numbers import Areas, Ask, Chosen, Event, Nobody, NumberBook, override
from trunkline.policy.number_rules import Rules

START = 1_772_366_400_000_000
"1 March 2026, noon UTC, microseconds."
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000


def added(number: str, pool: str = "sales-us", **more: str) -> NumberAdded:
    row = {
        "owner": "acme", "type": "geographic", "country": "US", "area": number[2:5], "use": "sales", "pool": pool, "provider": "alpha", "proof": "loa-1",
        "proof_from": "2026-01-01", "proof_until": "", "callback": "reception", "author": "ann", **more,
    }  # fmt: skip
    return NumberAdded(at=START - DAY, number=number, **row)


def attempt(call: str, at: int, *, answered: bool, gateway: str = "alpha/ny", talk_ms: float = 60_000.0, evidence: str = "", **more: object) -> Attempt:
    fields: dict[str, object] = {
        "call": call, "position": 1, "at": at, "tenant": "acme", "trunk": "dialer", "destination": "us", "carrier": gateway.partition("/")[0], "gateway": gateway,
        "transport": "udp", "remote": "192.0.2.1:5060", "called": "1", "caller": "1", "carrier_call_id": "x", "status": 200 if answered else 486, "phrase": "",
        "reason": "", "cause": 0, "outcome": "answered" if answered else "callee", "evidence": evidence, "next": "answered" if answered else "stop", "refusal": "",
        "released_by": "carrier", "first_reply_ms": 5.0, "progress_ms": 50.0, "alerting_ms": 50.0, "early_media_ms": None, "answer_ms": 900.0 if answered else None,
        "talk_ms": talk_ms if answered else None, "total_ms": 1_000.0, "early_media": "180", "codec": "PCMU", "server": "", "retransmissions": 0, "censored": False,
        "ambiguous": False, "retry_after_s": 0, "session_id": "", **more,
    }  # fmt: skip
    return Attempt(**fields)  # type: ignore[arg-type]


def ended(call: str, at: int, total_ms: float = 60_000.0) -> Call:
    return Call(
        call, at, "n1", "v", "outbound", "acme", "dialer", "", "udp", "", "", "", "", "", "", "us", "priority", {}, "disconnected", 200, 16, "answered", "",
        "dialer", 1, "alpha", "alpha/ny", None, None, None, None, total_ms, 0, 0, False, "",
    )  # fmt: skip


class Market:
    """A book, its journal, and a clock the test turns."""

    def __init__(self, rules: Rules | None = None, areas: Areas | None = None, seed: int = 1) -> None:
        self.rules = rules or Rules()
        self.areas = areas
        self.book = self.empty()
        self.journal: list[Fact | NumberFact] = []
        self.random = Random(seed)
        self.now = START
        self.calls = 0

    def empty(self) -> NumberBook:
        return NumberBook(lambda pool: self.rules, self.areas)

    def emit(self, *facts: Fact | NumberFact) -> None:
        for fact in facts:
            self.journal.append(fact)
            self.book.apply(fact)

    def hold(self, *numbers: str, pool: str = "sales-us", state: Event | None = Event.PROMOTE, **more: str) -> None:
        """Numbers of a pool, in production unless told otherwise."""
        for number in numbers:
            self.emit(added(number, pool, **more))
            if state is not None:
                self.person(number, state)

    def person(self, number: str, event: Event, reason: str = "a test says so") -> NumberTransition:
        life = self.book.life(number)
        assert life is not None
        moved = override(life, event, self.now, "ann", reason)
        assert isinstance(moved, NumberTransition), moved
        self.emit(moved)
        return moved

    def choose(self, callee: str = "+14155550123", pool: str = "sales-us") -> Chosen | Nobody:
        return self.book.choose(Ask(pool, callee, "acme"), self.now, self.random)

    def take(self, callee: str = "+14155550123", pool: str = "sales-us", campaign: str = "spring", agent: str = "") -> NumberTaken | Nobody:
        """Choose and take."""
        chosen = self.choose(callee, pool)
        if isinstance(chosen, Nobody):
            return chosen
        self.calls += 1
        fact = self.book.take(chosen, f"call-{self.calls}", callee, campaign, agent, self.now)
        self.emit(fact)
        return fact

    def day_of_calls(
        self, count: int, truth: Callable[[str, str], float], *pools: str, gateways: tuple[str, ...] = ("alpha/ny",), short: Callable[[str], float] = lambda number: 0.05,
        blocked: Callable[[str], float] = lambda number: 0.0, hours: int = 10,
    ) -> int:  # fmt: skip
        """Calls spread over working hours, pools in turn, each answered with `truth(number, gateway)`; then a day later. Returns how many were refused."""
        began, refused = self.now, 0
        pools = pools or ("sales-us",)
        for i in range(count):
            self.now = began + i * hours * HOUR // count
            taken = self.take(f"+1{self.random.randrange(200, 999)}{self.random.randrange(2_000_000, 9_999_999)}", pools[i % len(pools)])
            if isinstance(taken, Nobody):
                refused += 1
                continue
            gateway = self.random.choice(gateways)
            answered = self.random.random() < truth(taken.number, gateway)
            talk = 2_000.0 if self.random.random() < short(taken.number) else 60_000.0
            evidence = "analytics block" if not answered and self.random.random() < blocked(taken.number) else ""
            self.emit(attempt(taken.call, self.now, answered=answered, gateway=gateway, talk_ms=talk, evidence=evidence), ended(taken.call, self.now))
        self.now = began + DAY
        return refused

    def review(self) -> list[str]:
        """Every rule once; what it did, as `number event` or `pool alarm`."""
        facts = self.book.review_all(self.now)
        self.emit(*facts)
        return [f"{fact.number} {fact.event}" if isinstance(fact, NumberTransition) else f"{fact.pool} {'raised' if fact.raised else 'over'}" for fact in facts]

    def label(self, number: str, label: str = "spam", engine: str = "hiya", seen: int | None = None) -> None:
        self.emit(NumberLabelled(self.now, self.now if seen is None else seen, number, label, engine, "probe"))

    def complain(self, number: str) -> None:
        self.emit(NumberComplaint(self.now, number, "", "complaint", "desk", ""))

    def intercept(self, call: str) -> None:
        """A special information tone after the answer."""
        self.emit(Hearing(call, 1, self.now, "a/1", "sit", "intercept", "answered", 1.0, 0.0, 1_000.0, 1_000.0, "shadow"))

    def state(self, number: str) -> str:
        life = self.book.life(number)
        assert life is not None
        return life.state
