"""What happened, kept: the journal, its readers, checkpoints, recovery and retention."""

from .checkpoint import Checkpoint, Fold, Loaded, in_pieces, load, save, take, taking
from .journal import Journal
from .read import Damage, Reading, call_named, ended_calls, facts_of
from .recovery import OPEN_DIALOGS, OpenCall, OpenDialogs, Recovered, recover
from .retention import expire
from .segment import Position, segments

__all__ = [
    "OPEN_DIALOGS",
    "Checkpoint",
    "Damage",
    "Fold",
    "Journal",
    "Loaded",
    "OpenCall",
    "OpenDialogs",
    "Position",
    "Reading",
    "Recovered",
    "call_named",
    "ended_calls",
    "expire",
    "facts_of",
    "in_pieces",
    "load",
    "recover",
    "save",
    "segments",
    "take",
    "taking",
]
