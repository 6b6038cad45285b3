"""`trunkline listen`: say what really answered a call, and see how often listening was right.

Nothing that may be shipped proves how good listening is on your calls; only labels on your own calls do. Two people label a hundred calls of a
carrier in an hour: from samples (`trunkline listen sample`), from recordings (`record: true`), or from what agents report.
"""

import getpass
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.calls import CallId, span_us, told
from trunkline.cli.command import Data, Json, json_of, stop
from trunkline.cli.node import ask
from trunkline.cli.rendering import table
from trunkline.cli.source import Source, data_directory, journal_of
from trunkline.facts.heard import LABELS, MACHINES
from trunkline.facts.record import AnswerLabelled, Attempt, Recording, as_dict
from trunkline.policy.problem import nearest
from trunkline.records import Reading
from trunkline.stats.beta import exact

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Label answers and see how often listening was right (docs/listening.md).")

CONSENT = """
These are recordings of people. Many countries allow them only with the consent of everybody on the line, and only for as long as they are needed;
whether yours does is for you to find out. Everybody who can read the folder can hear them."""

KEYS = {"h": "human", "m": "machine", "a": "assistant", "n": "announcement", "f": "fax", "x": "false"}
"What a key says; the words themselves may be written too."

PLAYERS = [["aplay", "-q"], ["play", "-q"], ["ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"]]

ENOUGH_WIDTH = 0.2
"An interval wider than this says too little to compare carriers by."


@app.command()
def sample(
    share: Annotated[float, typer.Option(min=0.0, max=100.0, help="Percent of the answers listened to that are kept. Without it: how it stands.")] = 0.0,
    seconds: Annotated[int, typer.Option(min=1, max=30, help="Of each answer, from its beginning.")] = 8,
    most: Annotated[int, typer.Option(min=1, max=10_000, help="Samples at any one time.")] = 200,
    days: Annotated[float, typer.Option(min=0.04, max=365.0, help="After which a sample is thrown away.")] = 30.0,
    off: Annotated[bool, typer.Option("--off", help="Keep no more; those there are stay until they are too old.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Keep the first seconds of the callee in some answers, to be labelled. Off until switched on, and off again after a restart."""
    request = {"do": "sample", "on": not off, "share": share / 100, "seconds": seconds, "count": most, "days": days}
    result = ask(data, request)
    if as_json:
        print(json_of(result))
        return
    if result["on"]:
        print(f"{result['share']:.1%} of answers are kept for their first {result['seconds']} s: {result['kept']} of {result['most']} samples, {result['days']:g} days each")
    else:
        print(f"no answers are kept; {result['kept']} samples are there")
    print(f"in {result['folder']}")
    if share and not off:
        print(CONSENT)


@app.command()
def label(
    call: Annotated[str, typer.Argument(help="Id of the call, as `trunkline calls` shows it, or a Call-ID. Without one: every sample nobody has labelled yet, one after another.")] = "",
    kind: Annotated[str, typer.Argument(help="What answered: human, machine, assistant, announcement, fax, or false for nobody.")] = "",
    note: Annotated[str, typer.Option(help="Anything worth knowing of it.")] = "",
    player: Annotated[str, typer.Option(help="Program that plays a WAV file. Default: the first of aplay, play and ffplay that is installed.")] = "",
    data: Data = None,
) -> None:
    """Say what really answered a call; said again, the last word counts. Needs the running node, which writes it down."""
    if call:
        if not kind:
            stop(f"what answered call {call}? One of {', '.join(LABELS)}")
        if kind not in LABELS:
            stop(f"there is no label `{kind}`; {nearest(kind, LABELS)}")
        with told():
            known = Source(data_directory(data)).story(call)
        _label(data, known.id, kind, note)
        return
    with told():
        waiting = unlabelled(data_directory(data))
    if not waiting:
        print("No sample waits for a label. Keep some: trunkline listen sample --share 5")
        return
    walk(waiting, player.split() or _player(), lambda call, kind, note: _label(data, call, kind, note))


def _label(data: Path | None, call: str, kind: str, note: str) -> None:
    print(ask(data, {"do": "label", "call": call, "kind": kind, "note": note, "author": getpass.getuser()}))


def unlabelled(data: Path) -> dict[str, Path]:
    """Call -> file of every sample that is there and that nobody labelled, oldest first. Raises SourceError where there is no journal."""
    waiting: dict[str, Path] = {}
    for fact in _journal(data):
        if isinstance(fact, Recording) and fact.purpose == "sample":
            waiting[fact.call] = Path(fact.file)
        elif isinstance(fact, AnswerLabelled):
            waiting.pop(fact.call, None)
    return {call: file for call, file in waiting.items() if file.exists()}


def walk(waiting: dict[str, Path], player: list[str], say: Callable[[str, str, str], None]) -> None:
    """Play and ask, sample by sample, until all are labelled or somebody has had enough.

    What listening took it for is not shown: who knows it hears it too.
    """
    choices = ", ".join(f"[{key}]{KEYS[key].removeprefix(key)}" if KEYS[key].startswith(key) else f"[{key}] {KEYS[key]}" for key in KEYS)
    for number, (call, file) in enumerate(waiting.items(), 1):
        print(f"{number} of {len(waiting)}: call {call}\n  {file}")
        while True:
            if player:
                subprocess.run([*player, str(file)], check=False, stdin=subprocess.DEVNULL)
            answer = typer.prompt(f"  {choices}, [r]epeat, [s]kip, [q]uit", prompt_suffix=": ").strip().lower()
            if answer in ("s", "q"):
                break
            kind = KEYS.get(answer, answer)
            if kind in LABELS:
                say(call, kind, typer.prompt("  note", default="", show_default=False).strip())
                break
            if answer != "r":
                print(f"  not understood: {answer}")
        if answer == "q":
            return


def _player() -> list[str]:
    return next((program for program in PLAYERS if shutil.which(program[0])), [])


@app.command()
def clip(call: CallId, data: Data = None, as_json: Json = False) -> None:
    """What was kept of a call's audio: its recording, the evidence of a false answer (`listen: {evidence: 10s}`), or a sample.

    Exit code 1 when nothing was.
    """
    with told():
        story = Source(data_directory(data)).story(call)
    found = [fact for fact in story.facts if isinstance(fact, Recording) and fact.bytes]
    if not found:
        stop(f"nothing was kept of call {story.id}", 1)
    if as_json:
        print(json_of([{**as_dict(fact), "there": Path(fact.file).exists()} for fact in found]))
        return
    for fact in found:
        print(f"{fact.file}  {fact.purpose or 'recording'}, {fact.seconds:.1f} s{'' if Path(fact.file).exists() else ', no longer there'}")


@app.command()
def accuracy(
    data: Data = None,
    since: Annotated[str, typer.Option(metavar="SPAN", help="Only calls that began in the last SPAN: 15m, 12h, 30d.")] = "",
    as_json: Json = False,
) -> None:
    """Per carrier: what was labelled, what it was heard as, and the share that was right with its exact 95 % interval."""
    with told():
        carriers = confusions(data_directory(data), time.time_ns() // 1000 - span_us(since) if since else 0)
    found = {name: judged(counts) for name, counts in sorted(carriers.items())}
    if as_json:
        print(json_of(found))
        return
    if not found:
        print("No labelled call was listened to. Label some: trunkline listen label CALL human|machine|...")
        return
    for name, result in found.items():
        print(f"{name}: {result['calls']} labelled calls")
        heard = sorted({kind for row in result["heard_as"].values() for kind in row})
        rows = [(kind, *[str(row.get(column, "")) for column in heard], _span(result["right"][kind])) for kind, row in result["heard_as"].items()]
        print(table(("labelled", *heard, "heard right"), rows, heard))
        for share in ("humans_kept", "machines_caught"):
            print(f"  {share.replace('_', ' ')}: {_said(result[share])}")
        print()


def _journal(data: Path) -> Reading:
    return Reading(journal_of(data))


def confusions(data: Path, since_us: int) -> dict[str, dict[str, Counter[str]]]:
    """Carrier -> label -> what it was heard as. Raises SourceError where there is no journal."""
    labels: dict[str, str] = {}
    heard: dict[str, Attempt] = {}
    for fact in _journal(data):
        if isinstance(fact, AnswerLabelled):
            labels[fact.call] = fact.kind
        elif isinstance(fact, Attempt) and fact.answer_ms is not None and fact.at >= since_us:
            heard[fact.call] = fact
    carriers: dict[str, dict[str, Counter[str]]] = {}
    for call, kind in labels.items():
        attempt = heard.get(call)
        if attempt is not None:
            carriers.setdefault(attempt.carrier, {}).setdefault(kind, Counter())[attempt.heard or "not heard"] += 1
    return carriers


def judged(counts: dict[str, Counter[str]]) -> dict[str, Any]:
    """The table of one carrier, with the shares that matter: humans not taken for machines, machines taken for machines."""
    humans = counts.get("human", Counter())
    machines = sum((counts.get(kind, Counter()) for kind in MACHINES), Counter())
    kept = sum(count for kind, count in humans.items() if kind not in MACHINES)
    caught = sum(count for kind, count in machines.items() if kind in MACHINES)
    return {
        "calls": sum(row.total() for row in counts.values()),
        "heard_as": {kind: dict(row.most_common()) for kind, row in sorted(counts.items())},
        "right": {kind: _share(row[kind], row.total()) for kind, row in sorted(counts.items())},
        "humans_kept": _share(kept, humans.total()),
        "machines_caught": _share(caught, machines.total()),
    }


def _share(right: int, calls: int) -> dict[str, Any]:
    low, high = exact(right, calls) if calls else (0.0, 1.0)
    return {"right": right, "calls": calls, "low": round(low, 4), "high": round(high, 4), "enough": high - low <= ENOUGH_WIDTH}


def _span(share: dict[str, Any]) -> str:
    return f"{share['low']:.0%} to {share['high']:.0%}{'' if share['enough'] else ', too few'}"


def _said(share: dict[str, Any]) -> str:
    if not share["calls"]:
        return "none labelled"
    text = f"{share['right']} of {share['calls']} ({share['right'] / share['calls']:.1%}, between {share['low']:.1%} and {share['high']:.1%})"
    return text if share["enough"] else f"{text}; too few calls to compare carriers by"
