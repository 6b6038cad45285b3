"""Reading a call flow: Markdown whose indented lines are a ladder (docs/flows.md has the grammar)."""

import re
from pathlib import Path

from msgspec import Struct

_LINE = re.compile(r"(?P<who>\S+)\s+->\s+(?P<whom>\S+)\s*:\s*(?P<what>.+)")
_WAIT = re.compile(r"\[\+(?P<amount>[\d.]+)\s*(?P<unit>ms|s|min)\]")
_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0}


class Step(Struct):
    """One line of the ladder, with the lines indented under it."""

    line: int
    who: str
    whom: str
    what: str
    details: list[str] = []


class Wait(Struct, frozen=True):
    seconds: float


class Anything(Struct, frozen=True):
    """`...`: any messages may come before the next line."""


class Record(Struct, frozen=True):
    """`record:`, `attempt:` or `recording:` asserts fields of the facts written so far."""

    line: int
    kind: str
    fields: dict[str, str]


class Sound(Struct, frozen=True):
    """`heard:` says what somebody on the line sounds like, `recorded:` that a file is complete, `masked:` and `unmasked:` whose keys are a secret, `media:` asserts what was asked of those who carry audio."""

    line: int
    what: str
    kind: str
    fields: dict[str, str]


class Flow(Struct):
    title: str
    policy: str
    steps: list[Step | Wait | Anything | Record | Sound]
    audio: bool = False
    "The node carries the audio; such a flow needs a clock of its own."


def read_flow(path: Path) -> Flow:
    """Raises ValueError with the line when it is no flow."""
    flow = Flow(path.stem, "two-carriers.yaml", [])
    for number, raw in enumerate(path.read_text().splitlines(), 1):
        text = raw.strip()
        if raw.startswith("# "):
            flow.title = raw[2:]
        elif raw.startswith("policy:"):
            flow.policy = raw.partition(":")[2].strip()
        elif raw.startswith("audio:"):
            flow.audio = raw.partition(":")[2].strip() == "ours"
        elif not raw.startswith("    ") or not text:
            continue
        elif raw.startswith("        "):
            last = flow.steps[-1] if flow.steps else None
            if not isinstance(last, Step):
                raise ValueError(f"{path}:{number}: a detail belongs under a message")
            last.details.append(text)
        elif text == "...":
            flow.steps.append(Anything())
        elif (wait := _WAIT.fullmatch(text)) is not None:
            flow.steps.append(Wait(float(wait["amount"]) * _SECONDS[wait["unit"]]))
        elif text.startswith(("record:", "attempt:", "recording:")):
            kind, _, fields = text.partition(":")
            flow.steps.append(Record(number, kind, dict(field.split("=", 1) for field in fields.split())))
        elif text.startswith(("heard:", "recorded:", "media:", "masked:", "unmasked:", "silent:")):
            what, _, fields = text.partition(":")
            words = fields.split()
            kind = words.pop(0) if words and "=" not in words[0] else ""
            flow.steps.append(Sound(number, what, kind, dict(field.split("=", 1) for field in words)))
        elif (line := _LINE.fullmatch(text)) is not None:
            flow.steps.append(Step(number, line["who"], line["whom"], line["what"].strip()))
        else:
            raise ValueError(f"{path}:{number}: not understood: {text}")
    return flow
