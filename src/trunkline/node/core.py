"""The signalling core, put together sans-IO: endpoint, switchboard, decisions, registrar, upkeep.

The process (`node/serve.py`), the flow tests and the benches all run this same object; what differs is who moves the bytes and the clock.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from trunkline.calls.probe import Prober
from trunkline.calls.registration import Registrations
from trunkline.calls.settings import SwitchboardSettings
from trunkline.calls.switchboard import Switchboard
from trunkline.center.registrar import Registrar
from trunkline.decide.decisions import Decisions
from trunkline.decide.places import ProbedPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact, PolicyApplied
from trunkline.guard import Identity, Limits
from trunkline.media import Bypass, MediaEngine
from trunkline.policy.history import PolicyHistory
from trunkline.policy.snapshot import Snapshot
from trunkline.routing import Health
from trunkline.sip.digest import DigestServer
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.flow import Address, Door, Flow
from trunkline.sip.transactions import TimerSettings
from trunkline.studio import Studio

NUMBERS_REVIEWED: Final = 32
"Numbers looked at in one go: 20,000 in about a minute."

STRANGERS: Final = 1_000
"Unknown hosts that are counted; a flood from spoofed addresses must not fill memory."


class Core:
    """Everything between a datagram in and a datagram out."""

    def __init__(
        self,
        policy: Snapshot,
        places: ProbedPlaces,
        record: Callable[[Fact], None],
        clock: Clock,
        random: Random,
        *,
        timers: TimerSettings | None = None,
        settings: SwitchboardSettings | None = None,
        realm: str = "trunkline",
        algorithms: tuple[str, ...] = ("SHA-256", "MD5"),
        key: bytes = b"",
        media: MediaEngine | None = None,
        studio: Studio | None = None,
        lists: Path | None = None,
    ) -> None:
        """`media` carries the audio, by default nobody here; `studio` listens to it. `lists` is the folder of do-not-call lists. `record` keeps a fact (the journal's `append`); `algorithms` are those of digest challenges, `key` signs their nonces."""
        self.clock = clock
        self.random = random
        self.record = record
        self.endpoint = Endpoint(random, timers)
        self.algorithms = algorithms
        self.digest = DigestServer(key or random.randbytes(32), realm, random.randbytes)
        self.registrar = Registrar(clock, self.emit, places)
        self.health = Health(random)
        self.limits = Limits()
        self.decisions = Decisions(policy, self._identity(policy), self.registrar, self.health, self.limits, clock, random, lists)
        self.registrar.decisions = self.decisions
        self.board = Switchboard(self.endpoint, self.decisions, media or Bypass(), self.emit, clock, random, settings or SwitchboardSettings())
        self.board.registrar = self.registrar
        self.board.studio = studio
        self.prober = Prober(self.endpoint, places, self.health, self.emit, clock, random)
        self.registrations = Registrations(self.endpoint, places, self.health, self.emit, clock)
        self.prober.moved = self.registrations.moved
        self.decisions.suspect = self.prober.suspect
        self.policies = PolicyHistory()
        self._speaking: set[str] = set()
        "Hosts with a call under way when the policy last changed: they are heard out, whatever it says of them."
        self.strangers: dict[str, int] = {}
        "Hosts that sent to a trunks' door and are no trunk's, and how often: they get no answer."
        self.watched: list[Callable[[Fact, float], None]] = []
        "More folds that learn from every fact."

    def _identity(self, policy: Snapshot) -> Identity:
        return Identity(policy, self.digest, self.registrar.bound_from, self.algorithms)

    def emit(self, fact: Fact, now: float) -> None:
        """A fact happened: keep it, and let every fold learn from it."""
        self.record(fact)
        self.decisions.observe(fact, now)
        for fold in self.watched:
            fold(fact, now)

    def start(self, now: float) -> None:
        """Begin probing and registering."""
        self.prober.follow(self.decisions.policy, now)
        self.registrations.follow(self.decisions.policy, now)

    def apply_policy(self, policy: Snapshot, author: str, reason: str, now: float, rollback: bool = False) -> None:
        """Put a policy in force for calls that begin from now on; calls under way keep theirs (rule 10)."""
        self._speaking = {leg.dialog.flow.address[0] for leg in self.board.legs.values()}
        before = self.decisions.policy.version
        self.decisions.apply_policy(policy, self._identity(policy), now)
        self.policy_applied(author, reason, before, rollback, now)
        self.prober.follow(policy, now)
        self.registrations.follow(policy, now)

    def policy_applied(self, author: str, reason: str, before: str, rollback: bool, now: float) -> None:
        """Put on record that the policy now in force came into force."""
        fact = PolicyApplied(self.clock.utc_us(now), self.decisions.policy.version, author, reason, before, rollback)
        self.policies.apply(fact)
        self.emit(fact, now)

    def refresh(self, now: float, steps: int) -> None:
        """Upkeep for a quiet moment: strategies draw anew, a few numbers are reviewed and moved as the rules say."""
        self.decisions.refresh(now, steps)
        for fact in self.decisions.numbers.review(self.clock.utc_us(now), NUMBERS_REVIEWED):
            self.emit(fact, now)

    # The verbs.

    def receive(self, data: bytes, flow: Flow, now: float) -> None:
        self.endpoint.receive(data, flow, now)
        self.board.handle_events(now)

    def handle_timer(self, now: float) -> None:
        self.endpoint.handle_timer(now)
        self.board.handle_events(now)

    def get_timer(self) -> float | None:
        return self.endpoint.get_timer()

    def datagrams_to_send(self) -> list[tuple[Flow, bytes]]:
        return self.endpoint.datagrams_to_send()

    def accepts(self, door: Door, address: Address) -> bool:
        """Before any parsing: does this source have any business at this door?"""
        if door.purpose == "carriers":
            return True  # carriers answer from addresses DNS gave us; strangers' INVITEs meet `unknown source`
        if self.decisions.identity.accepts(address[0]) or address[0] in self._speaking or door.purpose == "registrations":
            return True
        if address[0] in self.strangers or len(self.strangers) < STRANGERS:
            self.strangers[address[0]] = self.strangers.get(address[0], 0) + 1
        return False
