"""`trunkline calls` and `trunkline call ID`: what happened to calls, and what is happening to them now."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import msgspec
import typer

from trunkline.facts.record import Attempt, Call, Decision, Ladder, LegAudio, as_dict

from .command import Data, Json, stop
from .names import must_be_known
from .rendering import delay, indented, listing, moment, table
from .source import Calls, Filter, Live, Source, SourceError, Story, data_directory

CallId = Annotated[str, typer.Argument(metavar="ID", help="Id of the call, as `trunkline calls` shows it, or the Call-ID its dialer or a carrier has for it.")]

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

AUDIO_HEADER = ("LEG", "PARTY", "CODEC", "RECEIVED", "SENT", "LOST", "REFUSED", "JITTER MS", "MOS", "FIRST")


def calls(
    context: typer.Context,
    limit: Annotated[
        int, typer.Option(min=1, help="At most this many calls in progress, and as many ended ones.")
    ] = 20,
    since: Annotated[
        str, typer.Option(metavar="SPAN", help="Only calls that began in the last SPAN: 90s, 15m, 1h, 2d.")
    ] = "",
    trunk: Annotated[str, typer.Option(metavar="NAME", help="Only calls of this trunk.")] = "",
    carrier: Annotated[
        str, typer.Option(metavar="NAME", help="Only calls this carrier took, or was the last to refuse.")
    ] = "",
    gateway: Annotated[str, typer.Option(metavar="NAME", help="Only calls by this gateway, `carrier/gateway`.")] = "",
    destination: Annotated[str, typer.Option(metavar="NAME", help="Only calls to this destination of the policy.")] = "",
    campaign: Annotated[str, typer.Option(metavar="NAME", help="Only calls of this campaign, as the dialer names it.")] = "",
    failed: Annotated[bool, typer.Option("--failed", help="Only calls that were never answered.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List calls: those in progress, then those that ended, newest first.

    Works with and without a running node. Exit code 0, also when none match; 1 when a trunk, carrier, gateway, destination or campaign of that
    name is not known.

    Example: trunkline calls --since 1h --carrier acme --failed
    """
    if context.invoked_subcommand is not None:
        return
    with told():
        began = time.time_ns() // 1000 - span_us(since) if since else 0
        directory = data_directory(data)
        source = Source(directory)
        wanted = Filter(limit, began, trunk, carrier, failed, gateway, destination, campaign)
        found = source.calls(wanted)
        if not found.in_progress and not found.ended:
            for kind, name in wanted.names.items():
                must_be_known(directory, kind, name, source.seen(kind))
        typer.echo(encoded(found) if as_json else calls_text(found, time.time_ns() // 1000))


def call(call_id: CallId, data: Data = None, as_json: Json = False) -> None:
    """Show one call: who called whom, what the dialer was told, and every attempt.

    Works with and without a running node; the messages themselves are in `trunkline ladder ID`.
    """
    with told():
        story = Source(data_directory(data)).story(call_id)
        typer.echo(encoded(story_values(story)) if as_json else story_text(story))


@contextmanager
def told() -> Iterator[None]:
    """A question that cannot be answered ends the command, with the reason in words."""
    try:
        yield
    except SourceError as error:
        stop(str(error), error.code)
    except PermissionError as error:
        stop(f"{error.filename} may not be read; run this as the user of the node.")


def span_us(text: str) -> int:
    """Microseconds of `90s`, `15m`, `1h` or `2d`; raises `SourceError` for anything else."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    if not found:
        raise SourceError(f"--since {text} is no span; write a number and s, m, h or d, as in 15m.", 2)
    return int(found[1]) * UNITS[found[2]] * 1_000_000


def encoded(value: Any) -> str:
    """JSON with two spaces of indent."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def calls_text(found: Calls, now_us: int) -> str:
    """Both lists as tables."""
    parts = []
    if found.in_progress:
        live_rows = [_live_row(live, now_us) for live in found.in_progress]
        header = ("CALL", "BEGAN (UTC)", "TRUNK", "CALLER", "CALLED", "GATEWAY", "STATE", "FOR")
        parts.append("In progress\n" + indented(table(header, live_rows, numbers=("FOR",))))
    if found.ended:
        columns = ("CALL", "BEGAN (UTC)", "TRUNK", "CALLER", "CALLED", "GATEWAY", "RESULT", "PDD", "TALK")
        rows = [_ended_row(ended) for ended in found.ended]
        parts.append("Ended\n" + indented(table(columns, rows, numbers=("PDD", "TALK"))))
    for damage in found.unread:
        parts.append(f"Skipped {damage.bytes} bytes of {damage.segment} at {damage.offset}: {damage.why}.")
    if not found.in_progress and not found.ended:
        parts.append("No calls match.")
    if not found.node:
        parts.append("No node answers, so calls in progress are not shown.")
    return "\n\n".join(parts)


def story_values(story: Story) -> dict[str, Any]:
    """The call as plain values; `events` are its remaining facts in order."""
    shown = (Call, Decision, Attempt, Ladder, LegAudio)
    return {
        "in_progress": story.live,
        "call": story.call,
        "decision": story.decision,
        "attempts": story.attempts,
        "audio": [fact for fact in story.facts if isinstance(fact, LegAudio)],
        "events": [as_dict(fact) for fact in story.facts if not isinstance(fact, shown)],
    }


def story_text(story: Story) -> str:
    """The call as a page of text."""
    parts = []
    if story.live and not story.call:
        parts.append(_live_text(story.live))
    if story.call:
        parts.append(_call_text(story.call))
    if not parts:
        parts.append("The call has no record: it is in progress on a node that does not answer, or a crash cut it.")
    if story.decision:
        parts.append(_decision_text(story.decision))
    if story.attempts:
        header = ("#", "GATEWAY", "STATUS", "OUTCOME", "BECAUSE", "THEN", "PDD", "ANSWER", "TALK", "CALL-ID", "FROM")
        rows = [_attempt_row(attempt) for attempt in story.attempts]
        parts.append("Attempts\n" + indented(table(header, rows, numbers=("PDD", "ANSWER", "TALK"))))
    audio = [_audio_row(fact) for fact in story.facts if isinstance(fact, LegAudio)]
    if audio:
        parts.append("Audio\n" + indented(table(AUDIO_HEADER, audio, numbers=AUDIO_HEADER[3:])))
    return "\n\n".join(parts)


def _live_row(live: Live, now_us: int) -> tuple[str, ...]:
    age = delay(max(now_us - live.at, 0) / 1000)
    return live.call, moment(live.at), live.trunk, live.caller, live.called, live.gateway, live.state, age


def _ended_row(call: Call) -> tuple[str, ...]:
    result = f"{call.status} {call.refusal or call.result}"
    called = call.called or call.called_raw
    caller = call.caller or call.caller_raw
    spans = delay(call.alerting_ms), delay(call.talk_ms)
    return call.call, moment(call.at), call.trunk, caller, called, call.gateway, result, *spans


def _attempt_row(attempt: Attempt) -> tuple[str, ...]:
    status = f"{attempt.status} {attempt.phrase}" if attempt.status else "no answer"
    spans = delay(attempt.alerting_ms), delay(attempt.answer_ms), delay(attempt.talk_ms)
    heard = ", ".join(filter(None, (attempt.early_heard and f"heard {attempt.early_heard} early", attempt.heard and f"answered by {attempt.heard}")))
    because = " ".join(filter(None, (attempt.evidence, attempt.refusal, attempt.reason, heard and f"({heard})")))
    return (
        str(attempt.position),
        attempt.gateway,
        status,
        attempt.outcome,
        because,
        attempt.next,
        *spans,
        attempt.carrier_call_id,
        attempt.local,
    )


def _audio_row(heard: LegAudio) -> tuple[str, ...]:
    lost = str(heard.lost) if heard.lost >= 0 else ""
    mos = f"{heard.mos:.1f}" if heard.mos else ""
    return (
        str(heard.leg), heard.party, heard.codec, str(heard.received), str(heard.sent), lost, str(heard.refused), f"{heard.jitter_ms:.1f}", mos,
        delay(heard.first_ms),
    )  # fmt: skip


def _live_text(live: Live) -> str:
    pairs = [
        ("began", f"{moment(live.at)} UTC"),
        ("trunk", live.trunk),
        ("caller", live.caller),
        ("called", live.called),
        ("gateway", live.gateway),
        ("attempts", str(live.attempts)),
        ("heard", live.heard),
    ]
    return f"Call {live.call} in progress: {live.state}\n{listing(pairs)}"


def _call_text(call: Call) -> str:
    told_dialer = f"{call.status} {call.result}" + (f", cause {call.cause}" if call.cause else "")
    pairs = [
        ("began", f"{moment(call.at)} UTC, on {call.node}"),
        ("trunk", f"{call.trunk} (tenant {call.tenant}), {call.direction}, from {call.source} over {call.transport}"),
        ("caller", _number(call.caller, call.caller_raw)),
        ("called", _number(call.called, call.called_raw)),
        ("destination", ", ".join(filter(None, (call.destination, call.strategy and f"strategy {call.strategy}", call.policy and f"policy {call.policy}")))),
        ("gateway", f"{call.gateway} of {call.carrier}, attempt {call.attempts}" if call.gateway else ""),
        ("told dialer", told_dialer),
        ("refusal", f"{call.refusal}{f': {call.why}' if call.why else ''}"),
        ("post-dial delay", delay(call.alerting_ms)),
        ("answer", delay(call.answer_ms)),
        ("talk", delay(call.talk_ms)),
        ("total", delay(call.total_ms)),
        ("dead air", f"{delay(call.dead_air_ms)} from the end of the greeting to the agent's first word" if call.dead_air_ms is not None else ""),
        ("message", f"left on the machine: {call.message}" if call.message else ""),
        ("abandoned", "the dialer hung up while the answer was being judged" if call.abandoned else ""),
        ("holds, transfers", f"{call.holds}, {call.transfers}" if call.holds or call.transfers else ""),
        ("emergency", "yes" if call.emergency else ""),
        ("metadata", ", ".join(f"{key}={value}" for key, value in call.metadata.items())),
        ("Call-ID", call.dialer_call_id),
        ("Session-ID", call.session_id),
        ("user agent", call.user_agent),
    ]
    return f"Call {call.call} {call.state}, released by {call.released_by}\n{listing(pairs)}"


def _decision_text(decision: Decision) -> str:
    chances = [f"{name} ({chance:.0%})" for name, chance in zip(decision.candidates, decision.propensity, strict=False)]
    pairs = [
        ("order", ", ".join(chances or decision.candidates)),
        ("left out", ", ".join(f"{gateway}: {code}" for gateway, code in decision.excluded.items())),
        ("draw", f"{decision.draw:.4f}" if decision.draw else ""),
    ]
    return f"Decision by {decision.strategy} for {decision.destination}, policy {decision.policy}\n{listing(pairs)}"


def _number(number: str, raw: str) -> str:
    return number if number == raw else f"{number or 'not a number'} (sent as {raw})"
