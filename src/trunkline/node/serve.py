"""The signalling process: one event loop with the core, its doors, the journal, and nothing that could hold it up."""

import asyncio
import contextlib
import fcntl
import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path
from random import Random
from typing import IO

from trunkline import __version__
from trunkline.calls.settings import SwitchboardSettings
from trunkline.facts import refusal as catalogue
from trunkline.facts.clock import Clock
from trunkline.facts.record import Alarm, Fact, GatewayState, Ladder, NodeStarted, NodeStopped
from trunkline.media.relay import Relay
from trunkline.node import recovery
from trunkline.node.answers import Answers
from trunkline.node.contact import ContactWatch
from trunkline.node.control import Control
from trunkline.node.core import Core
from trunkline.node.dips import DipClient
from trunkline.node.media import media_of, studio_of
from trunkline.node.places import ResolvedPlaces
from trunkline.node.policies import Policies
from trunkline.node.repeats import Repeats
from trunkline.node.settings import Settings, SettingsError, door_names, split_address
from trunkline.node.signing import Signing
from trunkline.numbers import NUMBERS
from trunkline.policy import Snapshot
from trunkline.policy.history import POLICIES
from trunkline.records import OPEN_DIALOGS, Checkpoint, Fold, Journal, OpenDialogs, expire, recover, save, take, taking
from trunkline.sip.asyncio import Network, PeerNames
from trunkline.sip.asyncio.resolver import Resolver, Target
from trunkline.sip.flow import Door, Flow

SYNC_S = 0.2
"Between fdatasyncs: what power loss may cost."

HOUSEKEEPING_S = 0.1
CHECKPOINT_S = 60.0
LAG_RECOVERED = 0.2
"Part of the lateness that sheds new calls at which they are taken again."

REFRESH_STEPS = 3
"Tables of what routes are worth that are drawn anew in one go, half a millisecond each."

COLLECT_S = 60.0
"Between two full searches for garbage cycles."

YOUNG, NEVER = 1000, 1 << 30
"New objects after which the youngest are looked over for cycles; the older ones never on their own."

SAID = frozenset((GatewayState, Alarm))
"Facts that are told on standard output too."

STOP_GRACE_S = 2.0

BINDINGS, SCOREBOARD, COMPLIANCE = "bindings", "scoreboard", "compliance"
"Names of folds in checkpoints: the registrar's, the router's, who was called when."


class Node:
    """One running node."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.data = Path(settings.node.data)
        self.random = Random(os.urandom(32))
        self.clock = Clock.system()
        self.open_dialogs = OpenDialogs()
        self.draining = False
        self.stopped = asyncio.Event()
        self._stopping = False
        self._flush_wanted = False
        self._turning = False
        "Events are being worked off; the journal is written at the end of it."
        self._anchored = False
        self._lagging = False
        self._collect_at = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._lock: IO[str] | None = None
        self.doors: dict[str, Door] = {}
        self._repeats = Repeats()
        "Of connections that cannot be opened."

    # Life.

    async def start(self) -> None:
        """Recover, open every door, hang up what a crash left, begin. Raises ListenError or SettingsError."""
        self._take_lock()
        self._loop = asyncio.get_running_loop()
        for name, listen in zip(door_names(self.settings.listen), self.settings.listen, strict=True):
            host, port = split_address(listen.address)
            shown = own_address(host) if host in ("0.0.0.0", "::") else host
            self.doors[name] = Door(name, listen.transport, shown, port, listen.advertised, host, listen.purpose, listen.media)
        self.policies = Policies(self)
        policy = await self.policies.first()
        sip = self.settings.sip
        self.resolver = Resolver(self.random, sip.nameservers, sip.nameserver_port, changed=self._resolved)
        names: PeerNames = {}
        self.places = ResolvedPlaces(self.resolver, self.doors.values(), names)
        media, self.media_link = media_of(self.settings.media, self.random, self._woken)
        studio, self.studio_link = studio_of(self.settings.studio if media.anchored else None, self._woken)
        if studio is not None and isinstance(media, Relay):
            media.join(studio)
        self._anchored = media.anchored
        self.core = Core(
            policy, self.places, self._record, self.clock, self.random, timers=self.settings.timers, realm=sip.realm, algorithms=sip.digest, key=os.urandom(32),
            settings=SwitchboardSettings(self.settings.node.name, str(self.data / self.settings.studio.recordings), sip.min_session_expires_s),
            media=media, studio=studio, lists=self.data / "dnc",
        )  # fmt: skip
        self.core.registrar.doors = self.doors
        self._contact = ContactWatch(self.core.decisions.compliance, lambda *said: self._emit(Alarm(self.clock.utc_us(self._loop.time()), *said)))
        self.signing = Signing(self.core.decisions.attestations, woken=self._woken)
        self.signing.compare()
        self.dips = DipClient(self.core.decisions.waiting.dips, self._looked_up, sip.nameservers, sip.nameserver_port)
        await self.dips.prepare(policy.dips)
        self._folds: dict[str, Fold] = {OPEN_DIALOGS: self.open_dialogs, BINDINGS: self.core.registrar, POLICIES: self.core.policies, SCOREBOARD: self.core.decisions.router.scoreboard, NUMBERS: self.core.decisions.numbers, COMPLIANCE: self.core.decisions.compliance}
        recovered = await asyncio.to_thread(recover, self.data / "journal", self.data / "checkpoints", self._folds)
        self.journal = Journal(self.data / "journal", low_water_bytes=self.settings.node.low_water_mb << 20)
        self.network = Network(
            self.core.endpoint, self._work, self.core.accepts, self.settings.tls_settings, names, self._cannot_connect
        )
        self.network.hold()
        try:
            for door in self.doors.values():
                await self.network.open(door)
            await self.media_link.start()
            await self.studio_link.start()
        except BaseException:
            await self.network.close()
            await self.media_link.close()
            await self.studio_link.close()
            raise
        self.places.follow(policy)
        now = self._loop.time()
        self._emit(NodeStarted(self.clock.utc_us(now), self.settings.node.name, __version__))
        applied, last = self.policies.in_force, self.core.policies.last
        if last is None or last.version != applied.version:  # its first start, or applied while it did not run
            self.core.policy_applied(applied.author, applied.reason, last.version if last is not None else "", applied.rollback, now)
        hung_up = recovery.hang_up(self.core.endpoint, recovered.dialogs, recovered.pending, self.doors, now)
        answered = recovery.answer(self.core.endpoint, recovered.unanswered, policy.trunks, self.doors, now)
        for fact in recovery.records(recovered.calls, policy.trunks, self.clock, self.settings.node.name, now):
            self._emit(fact)
        if hung_up or answered:
            self._emit(Alarm(self.clock.utc_us(now), "node.recovered", self.settings.node.name, f"hung up {hung_up} dialogs and attempts of the last run, answered {answered} callers who waited"))
        self.core.start(now)
        self.network.turn(now)
        self.network.start()
        self.control = Control(self.data / "control.sock", Answers(self).table())
        await self.control.open()
        self._tasks = [self._loop.create_task(task) for task in (self._keep_house(), self._keep_synced(), self._keep_checkpoints(), self.signing.run())]
        gc.collect()
        gc.freeze()
        gc.set_threshold(YOUNG, NEVER, NEVER)  # the call path makes no cycles; what others leave while young is found in steps of 0.1 ms

    async def stop(self) -> None:
        """Hang up every call, say so, and let the goodbyes out."""
        now = self._loop.time()
        calls = sum(not call.ended for call in self.core.board.calls.values()) + len(self.core.board.arrivals.waiting)
        self._stopping = True
        self.core.board.closed = self._why_closed()
        self.core.board.arrivals.refuse_waiting(catalogue.DRAINING, now)
        self.core.board.hang_up_all(catalogue.STOPPED.code, now)
        self.network.turn(now)
        if calls:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_GRACE_S):
                    while self._calls_up() or self.core.endpoint.open_transactions():
                        await asyncio.sleep(0.02)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.control.close()
        await self.network.close()
        await self._finish_recordings()
        await self.media_link.close()
        await self.studio_link.close()
        await self.resolver.close()
        await self.dips.close()
        now = self._loop.time()
        self.core.board.close_all(now)
        self._record(NodeStopped(self.clock.utc_us(now), self.settings.node.name, calls))
        self._save(take(self._folds, self.journal.position) if self.commit() else None)
        self.journal.close(self.clock.utc_us(now))
        if self._lock is not None:
            self._lock.close()

    def _calls_up(self) -> bool:
        return any(call.open_legs > 0 for call in self.core.board.calls.values())

    def _take_lock(self) -> None:
        """One node per data directory: two would tear each other's journal."""
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            self._lock = (self.data / "lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError(f"{self.data}: another node runs with this data directory; stop it or set [node] data") from error
        except OSError as error:
            raise SettingsError(f"{self.data}: {error.strerror}; set [node] data to a directory this user may write") from error

    # Audio.

    def _work(self, now: float) -> None:
        """What SIP said and what follows, before anything is sent.

        The media engine hears of a leg before the far end can send to it. And what a restart must know is written down before the far end
        hears of it: a dialog acknowledged but not on record would be hung up by nobody.
        """
        board = self.core.board
        self._turning = True
        board.handle_events(now)
        if self._anchored:
            board.handle_media(now)
            board.handle_studio(now)
            self.studio_link.flush()
            self.media_link.flush()
        if self.core.decisions.policy.dips:
            self.dips.send()
        if self.core.decisions.attestations.wanted:
            self.signing.send()
        self._turning = False
        if self._flush_wanted:
            self.commit()

    def _looked_up(self, numbers: list[str]) -> None:
        """Databases of ported numbers spoke."""
        self.core.decisions.waiting.answered(numbers)
        self._woken()

    def _woken(self) -> None:
        self.network.turn(self._loop.time())

    async def _finish_recordings(self) -> None:
        """Let recordings end, and be on record."""
        studio = self.core.board.studio
        if studio is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE_S):
                while studio.recordings():
                    self.studio_link.flush()
                    await asyncio.sleep(0.02)
        self.core.board.handle_studio(self._loop.time())

    # Facts.

    def _emit(self, fact: Fact) -> None:
        self.core.emit(fact, self._loop.time())

    def _record(self, fact: Fact) -> None:
        """Keep a fact; it is on its way to the disk by the end of this loop turn, and before what it is about is sent."""
        self.journal.append(fact)
        if type(fact) in SAID:
            print(said_of(fact), flush=True)  # few, and what a person watching wants to know
        if type(fact) is Ladder:
            return  # no record: it may wait for the next write
        self.open_dialogs.apply(fact)
        if not self._flush_wanted:
            self._flush_wanted = True
            if not self._turning:
                self._loop.call_soon(self.commit)

    def commit(self) -> bool:
        """Write down what has been kept; False while the journal cannot be written."""
        self._flush_wanted = False
        return self.journal.flush(self.clock.utc_us(self._loop.time()))

    async def _checkpoint(self) -> Checkpoint | None:
        """What the folds know now, gathered in steps between which calls go on; None while the journal cannot be written."""
        if not self.commit():
            return None
        steps = taking(self._folds, self.journal.position)
        while True:
            try:
                next(steps)
            except StopIteration as done:
                taken: Checkpoint = done.value
                return taken
            await asyncio.sleep(0)

    def _save(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is not None:
            with contextlib.suppress(OSError):  # a full disk: the checkpoint before stays good
                save(self.data / "checkpoints", checkpoint)

    # Housekeeping.

    async def _keep_house(self) -> None:
        """Watch the loop's own lateness, the disk and the clock."""
        while True:
            due = self._loop.time() + HOUSEKEEPING_S
            await asyncio.sleep(HOUSEKEEPING_S)
            now = self._loop.time()
            lag = now - due
            shed_s = self.settings.node.shed_at_ms / 1000
            self._lagging = lag > shed_s or (self._lagging and lag > shed_s * LAG_RECOVERED)
            if self.journal.pending:
                self.commit()
            self._collect(now)
            self.core.refresh(now, REFRESH_STEPS)
            self._contact.look(now, self.clock.utc_us(now))
            self.core.board.closed = self._why_closed()
            step = self.clock.follow(now, time.time_ns() // 1000)
            if step is not None:
                self._emit(Alarm(self.clock.utc_us(now), "clock.stepped", self.settings.node.name, f"the system clock moved by {step:+.3f} s"))

    def _collect(self, now: float) -> None:
        """Look for garbage cycles everywhere, but only while no call is up: that stops the loop."""
        if now >= self._collect_at and not self.core.board.calls:
            self._collect_at = now + COLLECT_S
            gc.collect()

    def _why_closed(self) -> catalogue.Refusal | None:
        if self.journal.full:
            return catalogue.DISK_FULL
        if self.draining or self._stopping:
            return catalogue.DRAINING
        return catalogue.OVERLOAD if self._lagging else None

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            await asyncio.to_thread(self.journal.sync)

    async def _keep_checkpoints(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_S)
            await asyncio.to_thread(self._save, await self._checkpoint())
            await asyncio.to_thread(expire, self.data / "journal", self.clock.utc_us(self._loop.time()), self.settings.node.keep_days)

    def _cannot_connect(self, flow: Flow, why: str) -> None:
        """A connection that cannot be opened, or a door nothing leaves by, is an alarm, once an hour while nothing about it changes."""
        now = self._loop.time()
        if self._repeats.is_news(flow, why, now):
            self._emit(Alarm(self.clock.utc_us(now), "transport.cannot_connect", f"{flow.door.transport} {flow}", why))

    def _resolved(self, target: Target) -> None:
        self.places.learn()

    # Policy.

    async def reload(self, author: str, reason: str) -> Snapshot:
        """Read the policy file again and put it in force. Calls under way keep theirs. Raises SettingsError, and then nothing has changed."""
        return await self.policies.apply_file(author, reason)


def said_of(fact: Fact) -> str:
    """A line for the log, of a fact that is said."""
    if isinstance(fact, Alarm):
        return f"ALARM {fact.code}: {fact.subject}: {fact.text}"
    assert isinstance(fact, GatewayState)
    return f"gateway {fact.gateway}: {fact.state} ({fact.reason})"


def own_address(wildcard: str) -> str:
    """The address this machine would call the world from: what a door on every address is known by. Nothing is sent."""
    family, far = (socket.AF_INET6, "2001:db8::1") if ":" in wildcard else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))
        except OSError:  # no way out: a laboratory
            return "::1" if ":" in wildcard else "127.0.0.1"
        return str(probe.getsockname()[0])


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reads the policy file again."""
    node = Node(settings)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, node.stopped.set)
    await node.start()
    tasks: set[asyncio.Task[None]] = set()

    async def reread() -> None:
        try:
            policy = await node.reload("signal", "SIGHUP")
            print(f"policy {policy.version} in force", flush=True)
        except SettingsError as error:
            print(f"policy not changed:\n{error}", file=sys.stderr, flush=True)

    def on_hangup() -> None:
        task = loop.create_task(reread())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGHUP, on_hangup)
    print(f"trunkline {__version__}: node {settings.node.name}, data in {node.data}", flush=True)
    print(f"  {node.policies.said}", flush=True)
    for door in node.doors.values():
        print(f"  {door.name}: {door.transport} {door.bound}, known as {door.sent_by}", flush=True)
    await node.stopped.wait()
    print("stopping: hanging up", flush=True)
    await node.stop()


def serve(settings: Settings) -> None:
    """Run a node in this process, on uvloop where it is installed."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(run(settings))
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(settings))
