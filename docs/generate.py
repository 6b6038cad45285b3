"""Write the pages of docs/ that come from the code: refusals, outcomes, state machines, the policy reference.

    python docs/generate.py            # `make docs`; a test holds the pages against the code
"""

from enum import IntEnum
from pathlib import Path

from trunkline.calls.state import TRANSITIONS as CALL_STATES
from trunkline.facts.outcome import CAUSES, HEARD, NO_RINGING, STATUSES, TONES
from trunkline.facts.refusal import CATALOGUE, Result
from trunkline.facts.told import PROFILES
from trunkline.numbers import diagram
from trunkline.policy.reference import reference
from trunkline.sip.offer_answer import TRANSITIONS as OFFER_ANSWER
from trunkline.sip.transactions import client, client_invite, server, server_invite

HERE = Path(__file__).parent


def refusals() -> str:
    """Every refusal, and what each kind of dialer is told."""
    lines = [
        "# Refusals", "", "Generated from `facts/refusal.py` and `facts/told.py` by `make docs`.", "",
        "Every way Trunkline says no has one stable code. It stands in the record (`refusal`), and in the `Warning` header of the answer.", "",
        "| code | layer | who | another route? | the dialer understands | what it means |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for refusal in CATALOGUE.values():
        again = "yes" if refusal.route_on else "no"
        lines.append(f"| `{refusal.code}` | {refusal.layer.value} | {refusal.side.value} | {again} | {refusal.result.value} | {refusal.text} |")
    lines += [
        "", "## What the dialer is told", "",
        "Dialers turn a status into a cause and the cause into a disposition of the lead. Asterisk reads 480 as cause 19 and 404 as cause 1, and",
        "VICIdial files a congestion with 1, 19, 21, 34 or 38 as a disconnected number. So each trunk has a `profile`; nothing of ours ever looks",
        "like a dead number to the dialer it is for.", "",
        "| result | " + " | ".join(PROFILES) + " |", "|---|" + "---|" * len(PROFILES),
    ]  # fmt: skip
    for result in Result:
        cells = []
        for profile in PROFILES.values():
            answer = profile[result]
            cells.append(f"{answer.status} {answer.phrase}" + (f", cause {answer.cause}" if answer.cause else ""))
        lines.append(f"| {result.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def outcomes() -> str:
    """The outcome table."""
    lines = [
        "# Outcomes: what a failed attempt means", "", "Generated from `facts/outcome.py` by `make docs`.", "",
        "Read in this order; the first row that matches decides. `route` means that the way failed and the next route is tried; `callee` that the",
        "called side decided and the call stops; `ours` that we are at fault and a person is alarmed.", "",
        "1. 607, 608, or 603 with an analytics reason: callee (blocked). Stop, never retried over another route.",
        "2. 428, 436, 437, 438, or 403/603 with a STIR reason: ours (identity). Stop, alarm.",
        "3. The carrier's own code table (`overrides` of the gateway).",
        "4. Q.850 cause of a Reason header (RFC 6432).",
        "5. 401, 407 and 402: route, alarm. 3xx: route, unless the gateway is a declared redirect server. 408 before any 18x: route; after: callee.",
        "6. SIP status.", "", "| Q.850 cause | class | next | the dialer understands |", "|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {cause} | {cls.value} | {step.value} | {result.value} |" for cause, (cls, step, result) in sorted(CAUSES.items())]
    lines += ["", "| SIP status | class | next | the dialer understands |", "|---|---|---|---|"]
    lines += [f"| {status} | {cls.value} | {step.value} | {result.value} |" for status, (cls, step, result) in sorted(STATUSES.items())]
    lines += ["", "Any other 5xx is `route`; any other 4xx or 6xx is `callee`.", "", "## What was heard before the answer", ""]
    lines += [
        "Where the audio comes by here and is listened to ([listening.md](listening.md)), a tone may end the attempt by itself, and makes a status without a cause say more:", "",
        "| heard | SIP status | class | next | the dialer understands |", "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {tone} | none yet | {cls.value} | {step.value} | {result.value} |" for tone, (cls, step, result) in TONES.items()]
    lines += [f"| {tone} | {status} | {STATUSES[status][0].value} | {STATUSES[status][1].value} | {result.value} |" for (status, tone), result in HEARD.items()]
    lines += [
        "", f"A vacant number is believed the tone alone when it is heard twice. A 18x of which nothing was heard but {', '.join(NO_RINGING[:-1])} or a special information",
        "tone is no alerting: a 408 after it is the route's, and who gave up waiting heard no phone ring (`announcement, no answer`).",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def machines() -> str:
    """State diagrams of every machine, from its table."""
    lines = ["# State machines", "", "Generated from the transition tables by `make docs`.", ""]
    for title, module in (
        ("INVITE client transaction (RFC 3261 17.1.1, RFC 6026)", client_invite),
        ("Client transaction of other methods (RFC 3261 17.1.2)", client),
        ("INVITE server transaction (RFC 3261 17.2.1, RFC 6026)", server_invite),
        ("Server transaction of other methods (RFC 3261 17.2.2)", server),
    ):
        lines += [f"## {title}", "", "```mermaid", "stateDiagram-v2"]
        for state, row in module.TRANSITIONS.items():
            for what, (target, actions) in row.items():
                names = ", ".join(action.__name__ for action in actions)
                lines.append(f"    {state.name} --> {target.name}: {what.name}" + (f" / {names}" if names else ""))
        lines += ["```", ""]
    lines += ["## Business states of a call", "", "```mermaid", "stateDiagram-v2"]
    for call_state, moves in CALL_STATES.items():
        lines += [f"    {call_state.value} --> {target.value}: {what}" for what, target in moves.items()]
    lines += ["```", "", "## Offer and answer (RFC 3264)", "", "| state | input | next |", "|---|---|---|"]
    for state, row in OFFER_ANSWER.items():
        for what, target in row.items():
            lines.append(f"| {_name(state)} | {_name(what)} | {_name(target)} |")
    lines += ["", "## Life of a number", "", "```mermaid", diagram().strip(), "```"]
    return "\n".join(lines) + "\n"


def _name(value: object) -> str:
    return value.name.lower().replace("_", " ") if isinstance(value, IntEnum) else getattr(value, "name", str(value)).lower().replace("_", " ")


PAGES = {"refusals.md": refusals, "outcomes.md": outcomes, "machines.md": machines, "policy.md": reference}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
        print(f"docs/{name}")
