"""Portability and number-type dips: who serves a number now, asked of a database by ENUM or HTTP and remembered (row R13).

A dip is one of the few things a call may wait for (design rule 4), so the wait is bounded: `ask` answers from memory, or says until when to
wait, and once that moment has passed it always answers. A database that says nothing is silence: the last known answer stands in, else the
number goes as not ported, or the call is refused, as policy says. One that stays silent is no longer waited for; a question a second goes on
asking whether it is back.

No I/O here: `queries` hands out what to ask, and whoever asks reports with `answered` or `failed`. Times are monotonic seconds.
"""

from collections.abc import Sequence

from msgspec import Struct

from trunkline.numbering.prefix import longest

MOST_CACHED = 500_000
"Answers kept per dip, some 150 bytes each; the oldest go first."

STALE_S = 7 * 86_400.0
"How long past its time an answer still stands in for a silent database."

SILENCES = 8
"Silences in a row, late answers included, after which a database is not waited for."

PROBE_S = 1.0
"Between questions to a database that is not waited for."


class Dip(Struct, frozen=True):
    """One database, and the numbers it is asked about."""

    name: str
    prefixes: tuple[str, ...] = ("",)
    "Of called numbers, digits of E.164."
    enum: str = ""
    "Domain under which numbers stand (RFC 6116), such as `e164.arpa`; empty asks by HTTP."
    url: str = ""
    "Template of a GET: {number} is digits, {e164} has its + encoded, {national} lacks the calling code."
    headers: tuple[tuple[str, str], ...] = ()
    "Of the GET."
    fields: tuple[tuple[str, str], ...] = ()
    "Pairs of routing_number, operator or type and where it stands in the JSON, such as `data.lrn`."
    types: tuple[tuple[str, str], ...] = ()
    "Pairs of the database's word for a number type, lower case, and ours."
    deadline_s: float = 0.3
    ttl_s: float = 86_400.0
    "How long an answer is good; a DNS record's own TTL where that is shorter."
    negative_ttl_s: float = 3600.0
    "How long it is believed that the database does not know a number."
    silence: str = "route"
    "route: as not ported; refuse: the call is."
    at_once: int = 64
    "Questions under way at most; beyond that the answer is silence."

    def __repr__(self) -> str:
        return f"Dip(name={self.name!r})"  # a header may hold a password


class Answer(Struct, frozen=True, gc=False):
    """What a call goes by."""

    routing_number: str = ""
    "E.164 with +: routes and rates go by it in place of the called number; empty when not ported or not told."
    operator: str = ""
    "Whoever serves the number, in the database's words."
    type: str = ""
    "One of `world.TYPES`; empty when not told."
    source: str = ""
    "Name of the dip."
    silent: bool = False
    "Nobody answered in time."
    refuse: bool = False
    "And policy does not let such a call go."


class Waiting(Struct, frozen=True, gc=False):
    """Ask again when told, at the latest at `until`."""

    until: float


class Query(Struct, frozen=True, eq=False):
    """A question to be put to a database."""

    dip: Dip
    number: str
    "E.164 with +."
    until: float
    "An answer after this helps later calls only."


NOTHING = Answer()


class _Database:
    """What is known from one dip, and how it behaves."""

    def __init__(self, dip: Dip) -> None:
        self.dip = dip
        self.cache: dict[str, tuple[Answer, float]] = {}
        "Number -> answer, and until when it is good."
        self.asked: dict[str, Query] = {}
        self.silences = 0
        "In a row."
        self.probe_at = 0.0


class Dips:
    """All dips of a policy."""

    def __init__(self, dips: Sequence[Dip] = (), most_cached: int = MOST_CACHED) -> None:
        self._most = most_cached
        self._databases: dict[str, _Database] = {}
        self._prefixes: dict[str, str] = {}
        self._longest = 0
        self._queries: list[Query] = []
        self._settled: list[str] = []
        self.counts = {"asked": 0, "cached": 0, "silent": 0, "stale": 0, "late": 0}
        self.follow(dips)

    def follow(self, dips: Sequence[Dip]) -> None:
        """A new policy is in force; what a dip that stays has learnt stays too."""
        known = self._databases
        self._databases = {}
        for dip in dips:
            database = known.get(dip.name)
            if database is None or (database.dip.enum, database.dip.url) != (dip.enum, dip.url):
                database = _Database(dip)
            database.dip = dip
            self._databases[dip.name] = database
        self._prefixes = {prefix: dip.name for dip in dips for prefix in dip.prefixes}
        self._longest = max(map(len, self._prefixes), default=0)

    def ask(self, number: str, now: float) -> Answer | Waiting | None:
        """What is known of a number in E.164 with +; None where no dip is for it. At or after `Waiting.until` this is an answer."""
        name = longest(self._prefixes, number[1:], self._longest) if self._prefixes else None
        if name is None:
            return None
        database = self._databases[name]
        known = database.cache.get(number)
        if known is not None and now < known[1]:
            self.counts["cached"] += 1
            return known[0]
        query = database.asked.get(number)
        if query is not None:
            return Waiting(query.until) if now < query.until else self._silence(database, known, now)
        if database.silences >= SILENCES:
            if now >= database.probe_at:
                database.probe_at = now + PROBE_S
                self._put(database, number, now)
            return self._silence(database, known, now)
        if len(database.asked) >= database.dip.at_once:
            return self._silence(database, known, now)
        return Waiting(self._put(database, number, now).until)

    def queries(self) -> list[Query]:
        """Questions to put since this was last called."""
        queries, self._queries = self._queries, []
        return queries

    def settled(self) -> list[str]:
        """Numbers that need not be waited for any longer, since this was last called."""
        settled, self._settled = self._settled, []
        return settled

    def answered(self, query: Query, answer: Answer | None, now: float, ttl_s: float | None = None) -> None:
        """The database spoke; None says it does not know the number. `ttl_s` is the answer's own, where it has one."""
        database = self._over(query, now)
        if database is None:
            return
        if now < query.until:
            database.silences = 0
        else:
            self.counts["late"] += 1
            self._missed(database, now)
        dip = database.dip
        good = dip.negative_ttl_s if answer is None else dip.ttl_s if ttl_s is None else min(ttl_s, dip.ttl_s)
        cache = database.cache
        cache.pop(query.number, None)
        if len(cache) >= self._most:
            del cache[next(iter(cache))]
        cache[query.number] = (answer if answer is not None else Answer(source=dip.name), now + good)

    def failed(self, query: Query, now: float) -> None:
        """It could not be asked, did not answer in time, or its answer makes no sense."""
        database = self._over(query, now)
        if database is not None:
            self._missed(database, now)

    def _missed(self, database: _Database, now: float) -> None:
        database.silences += 1
        database.probe_at = max(database.probe_at, now + PROBE_S)

    def _put(self, database: _Database, number: str, now: float) -> Query:
        query = database.asked[number] = Query(database.dip, number, now + database.dip.deadline_s)
        self._queries.append(query)
        self.counts["asked"] += 1
        return query

    def _over(self, query: Query, now: float) -> _Database | None:
        """A question is over; its database, unless policy has dropped it meanwhile."""
        self._settled.append(query.number)
        database = self._databases.get(query.dip.name)
        if database is None or database.asked.get(query.number) is not query:
            return None
        del database.asked[query.number]
        return database

    def _silence(self, database: _Database, known: tuple[Answer, float] | None, now: float) -> Answer:
        if known is not None and now < known[1] + STALE_S:
            self.counts["stale"] += 1
            return known[0]
        self.counts["silent"] += 1
        dip = database.dip
        return Answer(source=dip.name, silent=True, refuse=dip.silence == "refuse")
