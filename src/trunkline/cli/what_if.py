"""`trunkline policy whatif`: what another policy would have made of the calls in the journal."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.calls import encoded, span_us
from trunkline.cli.command import Data, Json, progress, stop
from trunkline.cli.journal import facts_from
from trunkline.cli.names import must_be_known
from trunkline.cli.policy_data import kept
from trunkline.cli.rendering import moment
from trunkline.cli.source import JOURNAL, SourceError, journal_of
from trunkline.cli.what_if_text import text_of_answer

if TYPE_CHECKING:
    from trunkline.insight import Log
    from trunkline.policy import Snapshot
    from trunkline.policy.load import Draft
    from trunkline.routing.scoreboard import Scoreboard

LONGEST_CALL_US = 2 * 3_600_000_000
"How long before the calls in question others are looked for that were still up."

LEARNT_US = 86_400_000_000
"How much of the log before them a policy may learn from that begins cold: what routes did longer ago counts for little."


def whatif(
    policy: Annotated[str, typer.Argument(help="A file, or a version that was in force.")] = "policy.yaml",
    since: Annotated[str, typer.Option(metavar="SPAN", help="Only calls that began in the last SPAN: 90m, 24h, 7d; `all` takes the whole journal.")] = "24h",
    trunk: Annotated[str, typer.Option(metavar="NAME", help="Only calls of this trunk.")] = "",
    cold: Annotated[bool, typer.Option("--cold", help="Strategies that learn begin with nothing and learn from the log, instead of with what the node believes now.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Estimate what a policy would have made of the calls that were logged: who would be refused, where calls would go, answers, humans, bills.

    Changes nothing, and works with and without a running node.

    Example: trunkline policy whatif new.yaml --since 7d
    """
    from trunkline.cli.policy import in_words

    try:
        with in_words():
            _answer(policy, since, trunk, cold, data, as_json)
    except KeyboardInterrupt:
        progress("")
        stop("stopped; nothing was changed", 130)


def _answer(policy: str, since: str, trunk: str, cold: bool, data: Path | None, as_json: bool) -> None:
    from trunkline.guard import Compliance
    from trunkline.insight import gather, what_if

    since_us = 0 if since == "all" else time.time_ns() // 1000 - span_us(since)
    known = kept(data)
    journal_of(known.data)
    candidate = _compiled(known.draft(policy))
    learns = _learns(candidate)
    from_us = max(since_us - _before_us(candidate, learns and cold), 0)
    log = gather(facts_from(known.data, from_us), from_us)
    if not any(call.record.at >= since_us and trunk in ("", call.record.trunk) for call in log.calls):
        if trunk and trunk not in candidate.trunks:
            must_be_known(known.data, "trunk", trunk, {call.record.trunk for call in log.calls})
        whose = f" of trunk {trunk}" if trunk else ""
        last = f"; the last call began {moment(log.calls[-1].record.at)} UTC" if log.calls else ""
        when = "in the journal" if since == "all" else f"in the last {since}"
        raise SourceError(f"No call{whose} ended {when}{last}; `--since all` takes the whole journal, `trunkline calls` lists it.", 1)
    lists = Compliance(known.data / "dnc")
    lists.look()
    scores = _scores(known.data) if learns and not cold and _was_learning(log) else None
    answer = what_if(candidate, log, scores=scores, compliance=lists, since_us=since_us, trunk=trunk, progress=lambda done: progress(f"{done:,} of {len(log.calls):,} calls decided"))
    progress("")
    print(encoded(answer) if as_json else text_of_answer(answer))


def _compiled(draft: "Draft") -> "Snapshot":
    """As `apply` compiles it, but for secrets: nobody is called and nobody authenticates, so what only the node knows is not needed."""
    from trunkline.policy.compile import compile_policy
    from trunkline.policy.sounds import measure

    document = draft.document
    return compile_policy(document, _NoSecrets(), draft.version, measure(document, draft.folder.place, draft.files)[0], draft.files)


class _NoSecrets(dict[str, str]):
    def __missing__(self, reference: str) -> str:
        return ""


def _learns(policy: "Snapshot") -> bool:
    from trunkline.routing.router import LEARNING

    return any(destination.strategy in LEARNING for destination in policy.destinations.values())


def _was_learning(log: "Log") -> bool:
    """Whether the node kept scores: it does while some destination goes by them."""
    from trunkline.routing.router import LEARNING

    return any(call.decision is not None and call.decision.strategy in LEARNING for call in reversed(log.calls))


def _before_us(policy: "Snapshot", learning: bool) -> int:
    """How much of the log before the calls in question bears on them."""
    from trunkline.guard.retries import spaced

    counted = max((rule.span_s for rule in spaced(policy.contact.rules)), default=0) * 1_000_000
    return max(LONGEST_CALL_US, counted, LEARNT_US if learning else 0)


def _scores(data: Path) -> "Scoreboard | None":
    """What the node believes of the routes now; None while it believes nothing."""
    from trunkline.records import recover
    from trunkline.routing.scoreboard import Scoreboard

    scores = Scoreboard()
    recover(data / JOURNAL, data / "checkpoints", {"scoreboard": scores})
    return scores if scores.segments else None
