"""The policy as calls use it: immutable, resolved, ready to look things up in.

`policy/document.py` models what a person writes; `policy/compile.py` turns it into this. A call keeps the snapshot it
began with (rule 10); only names lead from here to live state (channels, circuits, bindings), never references.

Secrets are already resolved here, so a snapshot never goes to disk and `repr` never shows one.
"""

from typing import TypeAlias

from msgspec import Struct, field

from trunkline.media.engine import PLAIN, Side
from trunkline.numbering.dip import Dip
from trunkline.numbering.location import EmergencyCaller
from trunkline.numbering.plan import CalledFormat, CallerFormat, NumberPlan
from trunkline.policy.areas import Area
from trunkline.policy.contact_rules import Contact
from trunkline.policy.deck import Deck
from trunkline.policy.number_rules import Presentation, Rules


class Credentials(Struct, frozen=True, gc=False):
    """A digest user (RFC 8760)."""

    user: str
    password: str
    realm: str = ""
    "Realm to answer; empty answers any."

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


class Listen(Struct, frozen=True, gc=False):
    """What is done with what is heard of the callee."""

    mode: str = "off"
    "off, shadow (only recorded), observe (the dialer may ask), gate (only humans reach an agent)."
    wait_s: float = 2.5
    "gate: longest wait for a verdict after the answer."
    share: float = 1.0
    "Of its calls that are listened to."
    minimum: int = 0
    "Calls an hour on each route that are listened to whatever `share` says."
    message: str = ""
    "File left on machines in gate mode; empty hangs up on them."
    message_s: float = 0.0
    "Its length."
    prompt: str = ""
    "File played to assistants in gate mode; empty connects them."
    prompt_s: float = 0.0
    pick_up_s: float = 30.0
    "Longest wait for a pick-up after the prompt began."
    evidence_s: int = 0
    "Of the callee's audio, kept of false answers; 0 keeps none."
    dead_air: bool = True
    "The caller is listened to from the answer until it speaks."


class CallerId(Struct, frozen=True):
    """What becomes of the caller ID a dialer sends."""

    use: str = "pass"
    "pass, honour, prefer or replace."
    pool: str = ""
    pools: dict[str, str] = {}
    "Pool by campaign."


class Pace(Struct, frozen=True, gc=False):
    """How the calls of a trunk may wait when they come faster than a rate allows."""

    wait_s: float = 0.0
    "Longest wait; 0 refuses at once."
    queue: int = 50
    "Calls that may wait at once."
    weight: float = 1.0
    "Its part of a rate shared with other trunks."


class Trunk(Struct, frozen=True):
    """The dialer side: who may call, how much, and how it is spoken to."""

    name: str
    tenant: str
    kind: str = "dialer"
    "dialer or pbx; a dialer may not place emergency calls."
    networks: tuple[str, ...] = ()
    "Source networks in CIDR form."
    auth: Credentials | None = None
    "Digest user; with `networks` either suffices unless `require_digest`."
    require_digest: bool = False
    registers: bool = False
    "The trunk registers; calls to it go to its binding, calls from it need one."
    host: str = ""
    "Where inbound calls for this trunk go when it does not register: host or host:port."
    transport: str = "udp"
    channels: int = 0
    "Concurrent calls; 0 is unlimited."
    cps: float = 0.0
    "Calls started per second; 0 is unlimited."
    plan: NumberPlan = field(default_factory=NumberPlan)
    profile: str = "generic"
    "What the dialer is told: vicidial, asterisk, freeswitch or generic."
    metadata: tuple[tuple[str, str], ...] = ()
    """Pairs (field, source); source is `header:X-Lead`, `user` (From user part), `from` (From display name),
    `param:NAME` (Request-URI) or a literal `=value`."""
    transfer: bool = True
    "REFER from this trunk is executed."
    media: Side = PLAIN
    "How its audio is handled, ordered codec policy included."
    setup_s: float = 60.0
    "Longest time from INVITE to answer over all attempts, ringing excluded."
    session_expires_s: int = 1800
    "Session timer asked of and granted to the dialer; 0 switches it off."
    call_id_header: str = "X-Trunkline-Call"
    "Header in 18x and 200 with our call id; empty sends none."
    early_media: str = "pass"
    "pass; ring: it hears its own ringing until the answer; hold: nothing until it was heard to be worth passing."
    caller_id: CallerId = CallerId()
    listen: Listen = Listen()
    record: bool = False
    "Its answered calls are recorded."
    guaranteed: int = 0
    "Channels of its tenant's that are kept for it."
    pace: Pace = Pace()
    emergency: EmergencyCaller = EmergencyCaller()
    "What its emergency calls say of who calls."


class Timers(Struct, frozen=True, gc=False):
    """How long an attempt may take, in seconds (RFC 3261 timers are the transaction layer's own)."""

    no_response_s: float = 3.0
    "To the first response of any kind."
    no_progress_s: float = 12.0
    "To the first 18x."
    no_answer_s: float = 120.0
    "From the first 18x to the answer."


class Registration(Struct, frozen=True, gc=False):
    """An outbound REGISTER kept alive at a carrier."""

    aor: str
    "Address of record, `sip:user@domain`."
    expires_s: int = 3600
    contact_user: str = ""


class Gateway(Struct, frozen=True):
    """One point of presence of a carrier."""

    name: str
    "Unique: `carrier/gateway`."
    carrier: str
    host: str
    "Host name or address, as written."
    port: int = 0
    "0 asks DNS (RFC 3263); a number skips SRV."
    transport: str = "udp"
    "udp, tcp, tls, ws or wss."
    large_requests: str = "udp"
    """For UDP requests over 1,300 bytes: udp (send fragmented, warn once), udp_then_tcp (TCP, back to UDP when
    refused), tcp, tls."""
    weight: int = 1
    "Share among the carrier's gateways; 0 is standby."
    auth: Credentials | None = None
    registration: Registration | None = None
    media: Side = PLAIN
    "How its audio is handled, ordered codec policy included."
    called: CalledFormat = field(default_factory=CalledFormat)
    caller: CallerFormat = field(default_factory=CallerFormat)
    timers: Timers = field(default_factory=Timers)
    channels: int = 0
    cps: float = 0.0
    options_s: float = 30.0
    "Seconds between OPTIONS; 0 switches probing off."
    redirect: bool = False
    "A declared redirect server: its 3xx contacts are followed."
    rel100: str = "supported"
    "supported, required or off (RFC 3262)."
    session_expires_s: int = 1800
    overrides: tuple[tuple[str, str], ...] = ()
    "Carrier's own meaning of codes: pairs like (`404`, `route`), (`480`, `route`), (`404/1`, `callee`)."
    from_domain: str = ""
    "Host in From; empty is our own address."
    networks: tuple[str, ...] = ()
    "Source networks inbound calls of this carrier come from."
    verify_tls: bool = True
    identity: bool = True
    "Its INVITEs carry an Identity where the call is signed."
    early_media: str = "trunk"
    "trunk: what the trunk's says; ring or hold: no more than that."
    local: tuple[str, ...] = ()
    "Names of the doors it is reached by, best first; empty is the first for carriers."


class Carrier(Struct, frozen=True):
    name: str
    gateways: tuple[str, ...]
    "Names of its gateways."
    channels: int = 0
    cps: float = 0.0
    guaranteed: tuple[tuple[str, int], ...] = ()
    "Tenants and the channels of it that are kept for them."


class Price(Struct, frozen=True, gc=False):
    """What a carrier bills for an answered call."""

    per_minute: float = 0.0
    first_s: int = 60
    "Seconds billed at least."
    next_s: int = 60
    "Step of the seconds billed after that."
    fee: float = 0.0
    "For every answered call."
    short_call_fee: float = 0.0
    "More for an answered call of at most 6 s."


class Scoring(Struct, frozen=True, gc=False):
    """What strategies `performance` and `rank` go by, in money."""

    value: float = 1.0
    "Of a conversation with a human."
    machine: float = 0.0
    "Cost of a machine's answer beside the bill."
    false_answer: float = 0.05
    "Cost of an answer without anybody beside the bill."
    short_call: float = 0.0
    "Cost of a call the callee ends within 6 s beside the bill."
    delay: float = 0.0
    "Cost of a second of post-dial delay over the target."
    target_delay_s: float = 4.0
    holdout: float = 0.02
    "Share of calls spread evenly over sound routes."
    floor: float = 0.0
    "Share of calls every sound route gets beside that."
    max_rate: float = 0.0
    "Price of a minute above which a route is no sound one; 0 is no ceiling."
    memory_s: float = 86_400.0
    "Half-life in seconds."
    memory_calls: int = 4000
    "Half-life in calls of one route and segment."


class Band(Struct, frozen=True, gc=False):
    """A part of the week in the callee's zone."""

    name: str
    begins: int
    "Minutes after midnight."
    ends: int
    "Minutes after midnight; at or before `begins` it goes on into the next day."
    days: tuple[int, ...] = ()
    "0 is Monday; empty is every day."


class RouteShare(Struct, frozen=True, gc=False):
    """A carrier or gateway named by a destination."""

    gateways: tuple[str, ...]
    "Gateways behind this entry, in policy order."
    share: float = 0.0
    "Percentage for strategies `percentage` and `experiment`; ignored by the others."
    price: Price = field(default_factory=Price)
    "With a rate deck, what the destination's numbers usually cost."
    later: tuple[tuple[int, Price], ...] = ()
    "Pairs (Unix seconds, price) that take over on their day, the earliest first."
    own: Price = field(default_factory=Price)
    "What policy writes for the route itself: for numbers the carrier's deck does not have."


class Destination(Struct, frozen=True):
    name: str
    prefixes: tuple[str, ...]
    "Digits of E.164 without +; `` covers everything."
    strategy: str
    "priority, percentage, least_cost, performance, rank or experiment."
    routes: tuple[RouteShare, ...]
    max_attempts: int = 5
    zone: str = "UTC"
    "IANA zone of its callees."
    tie: float = 0.0
    "least_cost: routes dearer than the cheapest by at most this share are alike."
    scoring: Scoring = field(default_factory=Scoring)
    countries: tuple[str, ...] = ()
    "ISO 3166; already among the snapshot's prefixes, and what dips refine by."
    types: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    "As dips tell them."


class Did(Struct, frozen=True):
    """An inbound number (or prefix ending in *) and the trunks that take it, in order."""

    number: str
    trunks: tuple[str, ...]


class Emergency(Struct, frozen=True):
    numbers: tuple[str, ...] = ("911", "112", "999", "933")
    "Dialled strings, compared before normalisation."
    test_numbers: tuple[str, ...] = ("933",)
    gateways: tuple[str, ...] = ()
    "Tried in order, past every limit."


class Numbers(Struct, frozen=True):
    """Our own numbers: rules of pools, presentation, areas."""

    rules: dict[str, Rules] = {}
    "By pool; a pool that is not here goes by `Rules()`."
    callback: dict[str, tuple[str, ...]] = {}
    "Pool -> trunks that take calls to its numbers."
    areas: tuple[Area, ...] = ()
    presentation: tuple[Presentation, ...] = ()
    do_not_originate: tuple[str, ...] = ()
    "Digits a number begins with whose owner never calls with it."


class SigningKey(Struct, frozen=True):
    """A key calls are signed with."""

    x5u: str
    key: str
    "PEM."
    provider: str = ""
    "Carrier whose certificate it is; empty when it is the operator's."
    agreement: str = ""
    caller_name: str = ""

    def __repr__(self) -> str:
        return f"SigningKey(x5u={self.x5u!r})"


class Attestation(Struct, frozen=True):
    """Signing calls, and judging signed ones."""

    sign: dict[str, SigningKey] = {}
    "By tenant."
    transit: SigningKey | None = None
    roots: bytes = b""
    "PEM; empty judges nothing."
    hosts: tuple[str, ...] = ()
    clock: str = "kernel"
    wait_s: float = 1.0
    "How long a call may wait for the certificate of its signer."


class Tenant(Struct, frozen=True):
    name: str
    channels: int = 0
    cps: float = 0.0


Worths: TypeAlias = tuple[tuple[int, float], ...]
"What a unit of a currency is worth: pairs (Unix seconds from which on, worth), the youngest first."


class Snapshot(Struct, frozen=True):
    """Everything a call may need to know, keyed by stable names."""

    version: str
    "Content address of the document: sha256, first 16 hex digits."
    tenants: dict[str, Tenant]
    trunks: dict[str, Trunk]
    carriers: dict[str, Carrier]
    gateways: dict[str, Gateway]
    destinations: dict[str, Destination]
    dids: dict[str, Did]
    emergency: Emergency
    prefixes: dict[str, str]
    "Prefix -> destination name; longest match wins."
    longest_prefix: int
    source_trunks: tuple[tuple[str, str], ...] = ()
    "Pairs (network, trunk), most specific first."
    source_gateways: tuple[tuple[str, str], ...] = ()
    "Pairs (network, gateway) for inbound calls, most specific first."
    digest_users: dict[str, str] = field(default_factory=dict)
    "Digest user -> trunk."
    bands: tuple[Band, ...] = ()
    "The first that fits counts."
    contact: Contact = Contact()
    "When and how often people may be called."
    numbers: Numbers = Numbers()
    decks: dict[str, Deck] = {}
    "Carrier -> its prices by prefix and date."
    currencies: dict[str, Worths] = {}
    "What currencies of decks are worth in the policy's own."
    dips: tuple[Dip, ...] = ()
    "Look-ups of ported numbers."
    attestation: Attestation = Attestation()
