"""What signalling is told by the studio. What it asks are the verbs of `Studio`."""

from typing import TypeAlias

from msgspec import Struct

from trunkline.listen import Hearing

Address: TypeAlias = tuple[str, int]
"Host and port, as `media.Subscribe` wants them."


class Heard(Struct, frozen=True, gc=False):
    """Something was heard on a leg."""

    call: str
    leg: int
    hearing: Hearing
    """What, in seconds since `listen`; `row` is the leg. Begin and end are when the sound arrived; `said_s` is when we said so, so that
    `said_s - began_s` holds all that the verdict took, waiting for late packets included."""


class Undecodable(Struct, frozen=True, gc=False):
    """Audio arrives on a leg and cannot be decoded here: nothing will be heard of it, and nothing recorded."""

    call: str
    leg: int
    format: str
    "Name of the encoding, or the payload type where nobody named it."


class Recorded(Struct, frozen=True, gc=False):
    """A recording has ended, and its file is complete."""

    call: str
    file: str
    seconds: float
    "Length of the audio in it."
    bytes: int
    "Of the file; 0: there is none."
    why: str = ""
    "Empty: it was over. Else what ended it before: the system's error, `the disk is too slow`, `the worker was stopped`."


class StudioLost(Struct, frozen=True, gc=False):
    """A worker died: these calls are no longer heard, their verdicts unknown."""

    calls: tuple[str, ...]
    files: tuple[str, ...] = ()
    "Recordings that it left unfinished; `repair` makes them playable."


StudioEvent: TypeAlias = Heard | Undecodable | Recorded | StudioLost
