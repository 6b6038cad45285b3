"""Where the commands about calls get their answers: the running node for calls in progress, the journal for the
rest.

The node is asked over `<data>/control.sock`, one JSON line each way, and only for what it holds in memory: it must
not read files while it carries calls. Ended calls come from `<data>/journal`, which is on disk by the end of every
loop turn, so both together are complete.
"""

import difflib
import socket
import tomllib
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from trunkline.facts.record import Attempt, Call, Decision, Fact, Ladder
from trunkline.records import Damage, call_named, ended_calls, facts_of

CONTROL = "control.sock"
JOURNAL = "journal"
CONFIGURATION = "trunkline.toml"
DEFAULT_DATA = Path("var")

WHERE_FROM = "start `trunkline serve`, or give its --data DIR"

T = TypeVar("T")

ANSWER_S = 2.0
"How long a node may take to answer before the journal alone must do."

SUGGESTED_FROM = 500
"Recent calls among which a mistyped id is looked for."


class SourceError(Exception):
    """The question cannot be answered; the text says what to do about it."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code
        "Exit code: 1 no such call, 2 the data directory is wrong."


class Live(Struct, frozen=True, gc=False):
    """A call in progress, as the node tells it."""

    call: str
    at: int
    "UTC microseconds when the INVITE arrived."
    state: str
    "Business state: routing, alerting, connected, ..."
    trunk: str = ""
    called: str = ""
    caller: str = ""
    carrier: str = ""
    gateway: str = ""
    attempts: int = 0
    heard: str = ""
    "What listening takes the answer for, so far."
    destination: str = ""
    metadata: dict[str, str] = {}


class Filter(Struct, frozen=True, gc=False):
    """Which calls are wanted; empty means any."""

    limit: int = 20
    since_us: int = 0
    trunk: str = ""
    carrier: str = ""
    failed: bool = False
    "Only calls that were never answered."
    gateway: str = ""
    destination: str = ""
    campaign: str = ""

    def takes(self, call: Call | Live) -> bool:
        """Whether the call is among the wanted."""
        if self.failed and (isinstance(call, Live) or call.status == 200):
            return False
        if self.campaign and call.metadata.get("campaign") != self.campaign:
            return False
        return call.at >= self.since_us and all(name in ("", getattr(call, kind)) for kind, name in self.names.items() if kind != "campaign")

    @property
    def names(self) -> dict[str, str]:
        """Kind -> name wanted, for those that were given."""
        return {kind: name for kind in ("trunk", "carrier", "gateway", "destination", "campaign") if (name := getattr(self, kind))}


class Calls(Struct, frozen=True, gc=False):
    """The answer to `trunkline calls`."""

    node: bool
    "A node answered; without one, nothing is known of calls in progress."
    in_progress: list[Live]
    ended: list[Call]
    unread: list[Damage]
    "Parts of the journal that were skipped; empty when all is well."


class Story(Struct, frozen=True, gc=False):
    """Everything known of one call."""

    id: str
    "Ours."
    live: Live | None
    facts: list[Fact]

    @property
    def call(self) -> Call | None:
        """Its record; None while it is in progress."""
        return next((fact for fact in self.facts if isinstance(fact, Call)), None)

    @property
    def decision(self) -> Decision | None:
        """How its routes were chosen; None when it was refused before that."""
        return next((fact for fact in reversed(self.facts) if isinstance(fact, Decision)), None)  # the last said is the complete one

    @property
    def attempts(self) -> list[Attempt]:
        """Its ended attempts in order."""
        return sorted((fact for fact in self.facts if isinstance(fact, Attempt)), key=lambda attempt: attempt.position)


class _Reply(Struct, frozen=True, gc=False):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""


def data_directory(given: Path | None, configuration: Path = Path(CONFIGURATION)) -> Path:
    """`--data`, else `[node] data` of trunkline.toml (relative to that file), else ./var."""
    if given:
        return given
    if not configuration.is_file():
        return DEFAULT_DATA
    try:
        settings = tomllib.loads(configuration.read_text())
    except ValueError as error:
        raise SourceError(f"{configuration} is not TOML ({error}); mend it, or give --data DIR.", 2) from error
    node = settings.get("node", {})
    return configuration.parent / (node.get("data", DEFAULT_DATA) if isinstance(node, dict) else DEFAULT_DATA)


def existing(data: Path) -> Path:
    """The data directory itself. Raises SourceError where there is none."""
    if not data.is_dir():
        raise SourceError(f"There is no data directory {data}; {WHERE_FROM}.", 2)
    return data


def journal_of(data: Path) -> Path:
    """Where the journal of a data directory lies. Raises SourceError where there is none."""
    journal = existing(data) / JOURNAL
    if not journal.is_dir():
        raise SourceError(f"{data} holds no journal; {WHERE_FROM}.", 2)
    return journal


class Source:
    """Answers about calls, from one data directory."""

    def __init__(self, data: Path) -> None:
        """Raises `SourceError` when nothing was ever written there."""
        self._control = data / CONTROL
        self._journal = data / JOURNAL
        if not self._control.exists():
            journal_of(data)

    def calls(self, wanted: Filter) -> Calls:
        """Calls in progress, the newest first, and ended calls, the last to end first; at most `limit` of each."""
        told = self._live()
        live = [call for call in told or [] if wanted.takes(call)]
        live.sort(key=lambda call: -call.at)
        unread: list[Damage] = []
        ended = filter(wanted.takes, ended_calls(self._journal, unread, wanted.since_us))
        shown = list(islice(ended, wanted.limit))
        return Calls(
            node=told is not None,
            in_progress=live[: wanted.limit],
            ended=shown,
            unread=[damage for damage in unread if damage.why != "torn"],
        )

    def seen(self, kind: str) -> set[str]:
        """Names of a kind that recent calls have."""
        recent: list[Call | Live] = [*(self._live() or []), *islice(ended_calls(self._journal, []), SUGGESTED_FROM)]
        return {call.metadata.get("campaign", "") if kind == "campaign" else getattr(call, kind) for call in recent} - {""}

    def story(self, call: str) -> Story:
        """One call, in progress or ended, by our id or by a Call-ID its dialer or a carrier has for it; raises `SourceError` when nobody knows it."""
        call = _readable(call)
        live = self._held("call", Live, call)
        facts = facts_of(self._journal, call if live is None else live.call, [])
        if live is None and not facts:
            found = call_named(self._journal, call)
            if not found:
                raise self._no_such(call)
            return Story(found, None, facts_of(self._journal, found, []))
        return Story(call if live is None else live.call, live, facts)

    def ladder(self, call: str) -> Ladder:
        """The messages of one call, so far or in full; raises `SourceError` when nobody knows it."""
        so_far = self._held("ladder", Ladder, _readable(call))
        if so_far:
            return so_far
        story = self.story(call)
        for fact in story.facts:
            if isinstance(fact, Ladder):
                return fact
        raise SourceError(f"Call {story.id} is known, but its ladder was not kept; see `trunkline call {story.id}`.", 1)

    def _no_such(self, call: str) -> SourceError:
        recent = [live.call for live in self._live() or []]
        recent += [ended.call for ended in islice(ended_calls(self._journal, []), SUGGESTED_FROM)]
        if not recent:
            return SourceError(f"There is no call {call}; no calls are recorded yet.", 1)
        near = difflib.get_close_matches(call, recent, n=3) or [known for known in recent if call in known][:3]
        hint = f"Did you mean {' or '.join(near)}?" if near else f"The most recent are {', '.join(recent[:3])}."
        return SourceError(f"There is no call {call}. {hint} `trunkline calls` lists them.", 1)

    def _live(self) -> list[Live] | None:
        reply = self._ask("calls")
        if reply is None:
            return None
        if not reply.ok:
            raise SourceError(f"The node will not tell its calls in progress: {reply.error}", 2)
        return _decoded(reply, list[Live])

    def _held(self, do: str, kind: type[T], call: str) -> T | None:
        """What the node holds of one call; None when no node answers, or the call is not in progress there."""
        reply = self._ask(do, call)
        return _decoded(reply, kind) if reply and reply.ok else None

    def _ask(self, do: str, call: str = "") -> _Reply | None:
        request = {"do": do, "call": call} if call else {"do": do}
        try:
            line = _exchange(self._control, msgspec.json.encode(request) + b"\n")
        except OSError:
            return None
        return _decoded(line, _Reply)


def _readable(call: str) -> str:
    """A shell may hand over bytes that are no text."""
    return call.encode("utf-8", "replace").decode()


def _decoded(answer: _Reply | bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.result if isinstance(answer, _Reply) else answer, type=kind)
    except ValueError as error:
        raise SourceError(
            f"The node answers in other words ({error}); it runs another version than this command.", 2
        ) from error


def _exchange(path: Path, request: bytes, within_s: float = ANSWER_S) -> bytes:
    """One line to the control socket and one line back; raises OSError when there is nobody, or nobody in time."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.settimeout(within_s)
        control.connect(str(path))
        control.sendall(request)
        reply = bytearray()
        while not reply.endswith(b"\n"):
            part = control.recv(1 << 16)
            if not part:
                raise ConnectionAbortedError(f"{path} closed before it answered")
            reply += part
        return bytes(reply)


def ask_node(data: Path, request: dict[str, Any], within_s: float = ANSWER_S) -> Any:
    """A running node's answer to one request, as plain values. Raises `SourceError` when there is none, or it is no."""
    try:
        line = _exchange(data / CONTROL, msgspec.json.encode(request) + b"\n", within_s)
    except OSError as error:
        raise SourceError(f"No node runs with data directory {data}; {WHERE_FROM}.", 2) from error
    reply = _decoded(line, _Reply)
    if not reply.ok:
        raise SourceError(reply.error, 1)
    return msgspec.json.decode(reply.result)
