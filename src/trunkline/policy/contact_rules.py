"""Rules of contact as calls are held against them: when somebody may be called, how often, and how soon again."""

from msgspec import Struct

ALWAYS, FOREVER = -(2**31), 2**31
"First and last day of a rule that has none."

EVERYBODY = "all"
"Name of the do-not-call list that holds for every tenant."


class Window(Struct, frozen=True, gc=False):
    """Part of a day in which calling is allowed, callee's time."""

    begins: int
    "Minutes after midnight."
    ends: int
    "Minutes after midnight, later than `begins`."
    days: tuple[int, ...] = ()
    "0 is Monday; empty is every day."


class Cap(Struct, frozen=True, gc=False):
    """At most so many calls in any stretch of time so long."""

    calls: int
    within_s: float


class ContactRule(Struct, frozen=True, gc=False):
    """One rule: which calls it is for, and what it asks of them. Every rule that fits a call holds."""

    name: str
    law: bool = False
    "From `compliance`, not from `retries`."
    jurisdictions: tuple[str, ...] = ()
    "Of the callee; `US` is all its states; empty is everywhere."
    tenants: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    first_day: int = ALWAYS
    "Days since 1970."
    last_day: int = FOREVER
    windows: tuple[Window, ...] = ()
    "Any of them; empty is the whole day."
    closed: tuple[int, ...] = ()
    "Days since 1970 on which nobody is called."
    caps: tuple[Cap, ...] = ()
    after: tuple[tuple[str, float], ...] = ()
    "Outcome of the last call -> seconds until the next; an outcome that is not here asks for none."
    per_campaign: bool = False
    "Calls of other campaigns to the same callee do not count."
    source: str = ""


class Exempt(Struct, frozen=True, gc=False):
    """Calls that are no solicitation: no rule of `compliance` holds for them."""

    trunks: tuple[str, ...] = ()
    campaigns: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


class Contact(Struct, frozen=True, gc=False):
    """Everything the policy says about contacting people."""

    rules: tuple[ContactRule, ...] = ()
    exempt: Exempt = Exempt()
    dialer_zone: bool = False
    "The zone the dialer names is taken for the callee's, whatever the number says."
    remember: int = 2_000_000
    "Calls the ledger holds."
