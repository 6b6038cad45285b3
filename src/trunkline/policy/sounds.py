"""Sound files a policy names: found, and measured, before a call needs them."""

import wave
from collections.abc import Callable, Container, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location

LONGEST_S = 120.0
"Of a message or prompt: a mailbox rarely takes more."


class Sound(Struct, frozen=True, gc=False):
    """A file that can be played."""

    file: str
    "Absolute path."
    seconds: float


Sounds: TypeAlias = Mapping[str, Sound]
"By name as written."


def measure(document: Document, place: Callable[[str], Path], known: Container[str]) -> tuple[dict[str, Sound], list[Finding]]:
    """The files of the document, and a finding for each that is not named or cannot be played; `place` says where one lies, `known` are those that
    could be read."""
    sounds: dict[str, Sound] = {}
    findings: list[Finding] = []
    for path, name, use in _named(document):
        if not name:
            word = str(path[-1])
            findings.append(Finding((*path[:-1], use[0]), f"`{use[0]}: {use[1]}` without a `{word}`", f"add `{word}: FILE.wav`"))
            continue
        if name not in known:
            continue
        found = _measured(place(name))
        if isinstance(found, Sound):
            sounds[name] = found
        else:
            findings.append(Finding(path, f"{name}: {found}", f"give a WAV of 8 kHz, 16 bit, one channel, at most {LONGEST_S:.0f} s"))
    return sounds, findings


def _named(document: Document) -> Iterator[tuple[Location, str, tuple[str, str]]]:
    for name, trunk in document.trunks.items():
        at: Location = ("trunks", name, "listen")
        if trunk.listen.machine == "drop":
            yield (*at, "message"), trunk.listen.message, ("machine", "drop")
        if trunk.listen.assistant == "prompt":
            yield (*at, "prompt"), trunk.listen.prompt, ("assistant", "prompt")


def _measured(path: Path) -> Sound | str:
    """The sound, or why it cannot be played."""
    try:
        with wave.open(str(path)) as file:
            shape = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            seconds = file.getnframes() / file.getframerate()
    except OSError as error:
        return error.strerror or "cannot be read"
    except (wave.Error, EOFError) as error:
        return f"no WAV file of linear samples ({error or 'it ends too early'})"
    if shape != (8000, 2, 1):
        return f"{shape[0]} Hz, {8 * shape[1]} bit, {shape[2]} channels"
    if not 0 < seconds <= LONGEST_S:
        return f"{seconds:.1f} s long"
    return Sound(str(path.resolve()), seconds)
