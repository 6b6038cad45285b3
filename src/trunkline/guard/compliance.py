"""Whether somebody may be called at all: do-not-call lists, calling hours, and how often and how lately they were called.

One object for the decision: `follow` a policy, ask `refuses` before a call is planned, `apply` every fact, `look` now and then whether a list
was replaced. A refusal says when the call may be tried again. Rules that fit a kind of call are found once and kept until the next edge of
their hours, so a call that may be placed costs a prefix look-up, a comparison and two searches by halving.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import available_timezones

import msgspec
from msgspec.structs import replace

from trunkline.facts import refusal as catalogue
from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberComplaint
from trunkline.facts.record import Attempt, AttemptStarted, Call, Fact
from trunkline.facts.refusal import Refusal
from trunkline.guard.do_not_call import Lists
from trunkline.guard.ledger import Ledger, scope_of
from trunkline.guard.opt_outs import OptOuts
from trunkline.guard.retries import Spaced, outcome_of, spaced, too_soon
from trunkline.guard.under_way import UnderWay
from trunkline.guard.windows import Hours, hours
from trunkline.numbering.zones import Place, Zones, shipped_zones
from trunkline.policy.contact_rules import Contact, ContactRule
from trunkline.policy.snapshot import Snapshot, Trunk

DAY_S: Final = 86_400
PROFILES = 20_000
"Kinds of calls whose rules are kept ready."
HEARD: Final = 10_000
"Calls whose verdict is kept until their record comes."
LONGEST_CALL_US = 12 * 3_600_000_000
"A call that began longer ago is not under way, whatever its record says."
AGAIN_S = 60
"When to ask again about a callee who is being called right now."

LEDGER, OPT_OUTS, UNDER_WAY, ANSWERS = "ledger", "opt_outs", "under_way", "heard"


@dataclass(frozen=True)
class Denied:
    """The call may not be placed now."""

    refusal: Refusal
    "With Retry-After filled in."
    again_us: int
    "UTC microseconds from which it may be tried again; 0 when no time is known."
    text: str
    "Why, for the dialer and the record: printable ASCII without quotes and backslashes."


@dataclass(frozen=True)
class Profile:
    """What holds for one kind of call, from when until when (a clock may be set back)."""

    since_s: int
    until_s: int
    hours: Hours
    spaced: tuple[Spaced, ...]
    span_s: int


class Compliance:
    """Rules of contact over one node's calls (a `records.checkpoint.Fold`)."""

    def __init__(self, lists: Path | None, zones: Zones | None = None) -> None:
        """`lists` is the folder of do-not-call lists."""
        self.lists = Lists(lists)
        self.opt_outs = OptOuts()
        self.zones = zones if zones is not None else shipped_zones()
        self._contact = Contact()
        self._named: tuple[frozenset[str], frozenset[str]] = frozenset(), frozenset()
        "Campaigns and purposes some rule names."
        self._profiles: dict[tuple[str, str, str, str, str, int], Profile] = {}
        self.ledger = Ledger(self._contact.remember)
        self._keeps = False
        "Whether a rule looks at earlier calls."
        self._span_s = 0
        "How far back the farthest looks."
        self._under_way: dict[str, UnderWay] = {}
        "By call."
        self._called: dict[int, set[str]] = {}
        "Number -> calls to it that are under way."
        self._heard: dict[str, str] = {}

    def follow(self, policy: Snapshot) -> None:
        """A policy is in force. `remember` counts from the first call that is written down."""
        contact = self._contact = policy.contact
        rules, exempt = contact.rules, contact.exempt
        self._named = (
            frozenset(exempt.campaigns).union(*(rule.campaigns for rule in rules)),
            frozenset(exempt.purposes).union(*(rule.purposes for rule in rules)),
        )
        self._profiles.clear()
        if contact.dialer_zone:
            _known_zones()
        counting = spaced(rules)
        self._keeps = bool(counting)
        self._span_s = max((each.span_s for each in counting), default=0)
        if not self.ledger.total and self.ledger.capacity != contact.remember:
            self.ledger = Ledger(contact.remember)

    def refuses(self, trunk: Trunk, called: str, destination: str, metadata: Mapping[str, str], at_us: int) -> Denied | None:
        """Why `called` (E.164 with +) may not be called by this trunk at a UTC microsecond; None when it may."""
        number, at_s = int(called[1:]), at_us // 1_000_000
        listed = self.lists.holds(trunk.tenant, number)
        if listed or self.opt_outs.holds(trunk.tenant, number):
            where = f"on the do-not-call list {listed}" if listed else "opted out"
            return Denied(catalogue.DO_NOT_CALL, 0, f"callee {where}")
        if not self._contact.rules:
            return None
        profile = self._profile(trunk, called, destination, metadata, at_s)
        if not profile.hours.open:
            return self._closed(profile.hours, at_s)
        return self._too_soon(profile, trunk, number, metadata.get("campaign", ""), at_us) if profile.spaced else None

    def _profile(self, trunk: Trunk, called: str, destination: str, metadata: Mapping[str, str], at_s: int) -> Profile:
        place = self.zones.place(called)
        campaign, purpose = metadata.get("campaign", ""), metadata.get("purpose", "")
        campaigns, purposes = self._named
        zone = metadata.get("zone", "") if self._contact.dialer_zone else ""
        key = (
            trunk.name, campaign if campaign in campaigns else "", purpose if purpose in purposes else "", destination, zone, place.index,
        )  # fmt: skip
        known = self._profiles.get(key)
        if known is not None and known.since_s <= at_s < known.until_s:
            return known
        if len(self._profiles) >= PROFILES:
            self._profiles.clear()
        known = self._profiles[key] = self._made(trunk, campaign, purpose, destination, zone, place, at_s)
        return known

    def _made(self, trunk: Trunk, campaign: str, purpose: str, destination: str, zone: str, place: Place, at_s: int) -> Profile:
        exempt = self._contact.exempt
        lawless = trunk.name in exempt.trunks or campaign in exempt.campaigns or purpose in exempt.purposes
        today = at_s // DAY_S
        fitting = [
            rule for rule in self._contact.rules
            if not (rule.law and lawless) and fits(rule, trunk.tenant, campaign, purpose, destination, place.jurisdictions)
        ]  # fmt: skip
        zones = (zone,) if zone and zone in _known_zones() else place.zones
        found = hours({each: [rule for rule in fitting if not place.vague or self._reaches(rule, each)] for each in zones}, at_s)
        counting = spaced(rule for rule in fitting if rule.first_day <= today <= rule.last_day)
        until = min(found.until, (today + 1) * DAY_S)
        return Profile(at_s, until, found, counting, max((each.span_s for each in counting), default=0))

    def _reaches(self, rule: ContactRule, zone: str) -> bool:
        """A number that may be in any state is under each state's rules in that state's zones only."""
        return not rule.jurisdictions or any(self.zones.holds_in(where, zone) for where in rule.jurisdictions)

    def _closed(self, closed: Hours, at_s: int) -> Denied:
        rule = next(rule for rule in self._contact.rules if rule.name == closed.rule)
        source = f" ({rule.source})" if rule.source else ""
        opens = f"opens {_utc(closed.opens)}" if closed.opens else "no day in sight"
        text = f"outside {closed.rule}{source} in {closed.zone}, {opens}"
        return _denied(catalogue.CALLING_WINDOW, closed.opens, at_s, text)

    def _too_soon(self, profile: Profile, trunk: Trunk, number: int, campaign: str, at_us: int) -> Denied | None:
        at_s = at_us // 1_000_000
        if number in self._called and self._is_called(number, trunk.tenant, at_us):
            rule = profile.spaced[0].rule
            return _denied(catalogue.CALL_ATTEMPTS if rule.law else catalogue.TOO_SOON, at_s + AGAIN_S, at_s, f"{rule.name}: a call to them is under way")
        calls = self.ledger.calls_to(number, at_s - profile.span_s)
        if not calls:
            return None
        found = too_soon(profile.spaced, calls, scope_of(trunk.tenant, campaign), at_s)
        if found is None:
            return None
        source = f" ({found.rule.source})" if found.rule.source else ""
        refusal = catalogue.CALL_ATTEMPTS if found.rule.law else catalogue.TOO_SOON
        return _denied(refusal, found.again_s, at_s, f"{found.rule.name}{source}: {found.why}, again from {_utc(found.again_s)}")

    def _is_called(self, number: int, tenant: str, at_us: int) -> bool:
        calls = [self._under_way[call] for call in self._called[number]]
        return any(call.tenant == tenant and at_us - call.began_us < LONGEST_CALL_US for call in calls)

    def look(self) -> list[str]:
        """Use do-not-call lists that were replaced since; names of those. A few microseconds when nothing changed: call it every second."""
        return self.lists.look()

    def forgotten_s(self, at_us: int) -> int:
        """How many seconds of the longest rule's span the ledger no longer covers; over 0 is an alarm: `remember` is too small for the traffic."""
        return max(0, self.ledger.oldest_s() - (at_us // 1_000_000 - self._span_s)) if self.ledger.oldest_s() else 0

    # A fold.

    def apply(self, fact: Fact) -> None:
        """Learn from one fact."""
        learn = _LEARNS.get(type(fact))
        if learn is not None:
            learn(self, fact)

    def _answered(self, fact: Attempt) -> None:
        if fact.heard and self._keeps:
            if len(self._heard) >= HEARD:
                del self._heard[next(iter(self._heard))]
            self._heard[fact.call] = fact.heard

    def _started(self, fact: AttemptStarted) -> None:
        if self._keeps and fact.carrier and fact.e164[1:].isdecimal():
            self._begin(fact.call, UnderWay(int(fact.e164[1:]), fact.tenant, fact.at))

    def _said(self, fact: NumberComplaint | NumberAdded | NumberChanged) -> None:
        self.opt_outs.apply(fact)

    def _begin(self, call: str, under_way: UnderWay) -> None:
        self._under_way[call] = under_way
        self._called.setdefault(under_way.number, set()).add(call)

    def _ended(self, fact: Call) -> None:
        heard = self._heard.pop(fact.call, "")
        under_way = self._under_way.pop(fact.call, None)
        if under_way is not None:
            calls = self._called[under_way.number]
            calls.discard(fact.call)
            if not calls:
                del self._called[under_way.number]
        outcome = outcome_of(fact, heard) if self._keeps else None
        if outcome is not None and fact.called[1:].isdecimal():
            ended_s = (fact.at + int(fact.total_ms * 1000)) // 1_000_000
            self.ledger.add(int(fact.called[1:]), outcome, scope_of(fact.tenant, fact.metadata.get("campaign", "")), ended_s)

    def dump(self) -> Iterator[bytes]:
        """Everything learnt, as of now."""
        kinds = ((LEDGER, self.ledger.dump()), (OPT_OUTS, self.opt_outs.dump()))
        return _pieces(kinds, msgspec.msgpack.encode(self._under_way), msgspec.msgpack.encode(self._heard))

    def load(self, pieces: Sequence[bytes]) -> None:
        """Raises ValueError, and forgets everything, when it cannot be read."""
        kinds: dict[str, list[bytes]] = {LEDGER: [], OPT_OUTS: [], UNDER_WAY: [], ANSWERS: []}
        self._forget()
        try:
            for piece in pieces:
                kind, data = msgspec.msgpack.decode(piece, type=tuple[str, bytes])
                kinds[kind].append(data)
            self.ledger.load(kinds[LEDGER])
            self.opt_outs.load(kinds[OPT_OUTS])
            for data in kinds[UNDER_WAY]:
                for call, under_way in msgspec.msgpack.decode(data, type=dict[str, UnderWay]).items():
                    self._begin(call, under_way)
            for data in kinds[ANSWERS]:
                self._heard = msgspec.msgpack.decode(data, type=dict[str, str])
        except (ValueError, KeyError) as error:
            self._forget()
            raise ValueError(str(error)) from error

    def _forget(self) -> None:
        self.ledger.load(())
        self.opt_outs.load(())
        self._under_way, self._called, self._heard = {}, {}, {}


def fits(rule: ContactRule, tenant: str, campaign: str, purpose: str, destination: str, jurisdictions: Sequence[str]) -> bool:
    """Whether a rule is for such a call; `US` in a rule fits every state, and `US-?` of a number every rule of any of them."""
    return (
        (not rule.tenants or tenant in rule.tenants)
        and (not rule.campaigns or campaign in rule.campaigns)
        and (not rule.purposes or purpose in rule.purposes)
        and (not rule.destinations or destination in rule.destinations)
        and (not rule.jurisdictions or any(_within(where, wanted) for where in jurisdictions for wanted in rule.jurisdictions))
    )


def _within(where: str, wanted: str) -> bool:
    return where == wanted or where[:3] == f"{wanted}-" or (where[2:] == "-?" and wanted[:2] == where[:2])


@cache
def _known_zones() -> frozenset[str]:
    """IANA zones this machine has; looking costs milliseconds, so a policy that needs them has it done when it comes into force."""
    return frozenset(available_timezones())


def _denied(refusal: Refusal, again_s: int, at_s: int, text: str) -> Denied:
    wait = again_s - at_s if again_s else 0
    return Denied(replace(refusal, retry_after_s=wait) if wait > 0 else refusal, again_s * 1_000_000, text)


def _utc(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _pieces(kinds: Sequence[tuple[str, Iterator[bytes]]], under_way: bytes, heard: bytes) -> Iterator[bytes]:
    for kind, pieces in kinds:
        for piece in pieces:
            yield msgspec.msgpack.encode((kind, piece))
    yield msgspec.msgpack.encode((UNDER_WAY, under_way))
    yield msgspec.msgpack.encode((ANSWERS, heard))


_Learn: TypeAlias = Callable[[Compliance, Any], None]
_LEARNS: Final[dict[type, _Learn]] = {
    Call: Compliance._ended, Attempt: Compliance._answered, AttemptStarted: Compliance._started, NumberComplaint: Compliance._said,
    NumberAdded: Compliance._said, NumberChanged: Compliance._said,
}  # fmt: skip
"Fact -> what is learnt from it."
