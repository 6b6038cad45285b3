"""`trunkline ladder ID`: every message of a call on both sides, drawn.

One column per party: the dialer, Trunkline, then each gateway in the order it was tried. Plain ASCII, so that it can
be pasted into a ticket.
"""

import shutil
import textwrap

import typer
from msgspec import Struct

from trunkline.facts.record import Ladder, LadderRow

from .calls import CallId, encoded, told
from .command import Data, Json
from .rendering import delay, moment, plain
from .source import Source, data_directory

MARGIN = 11
"Columns for the time."

WIDEST, NARROWEST = 28, 13
"Columns from one party to the next; narrower than that, the ladder becomes a list."

NOTE = 24
"Columns that make notes worth a place beside the arrow rather than below it."

PAUSE_MS = 2000.0
"A silence worth a line of its own."


def ladder(
    call_id: CallId,
    width: int = typer.Option(
        0, metavar="COLUMNS", help="Columns to draw in. Default: the terminal's, or 100 when piped."
    ),
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Draw the messages of one call on both legs, with times in milliseconds from the first INVITE.

    Works with and without a running node; a call in progress is drawn so far.
    """
    with told():
        found = Source(data_directory(data)).ladder(call_id)
        columns = width or shutil.get_terminal_size((100, 24)).columns
        typer.echo(encoded(found) if as_json else draw(found, columns))


class Lanes(Struct, frozen=True, gc=False):
    """Where each party's line runs."""

    names: list[str]
    first: int
    "Column of the first line."
    gap: int
    "Columns from one line to the next."

    @property
    def columns(self) -> list[int]:
        return [self.first + self.gap * index for index in range(len(self.names))]

    @property
    def end(self) -> int:
        """Column behind the last line."""
        return self.columns[-1] + 1


def draw(ladder: Ladder, width: int = 100) -> str:
    """The ladder as text of at most `width` columns; a list of messages where the parties do not fit side by side."""
    names, lane_of_leg = _parties(ladder)
    title = f"Call {plain(ladder.call)}, began {moment(ladder.at)} UTC"
    lanes = _lay_out(names, ladder.rows, width)
    if lanes is None:
        return "\n".join([title, "", *(_listed(row, names, lane_of_leg, width) for row in ladder.rows)])
    lines = [title, "", _heading(lanes)]
    before = 0.0
    for row in ladder.rows:
        if row.ms - before >= PAUSE_MS:
            lines.append(_beside(_rungs(lanes, ":"), f"({delay(row.ms - before)})", lanes, width)[0])
        before = row.ms
        lines += _message(row, lanes, lane_of_leg[row.leg], width)
    return "\n".join(lines)


def _parties(ladder: Ladder) -> tuple[list[str], dict[int, int]]:
    """Names from left to right, and the column of each leg; attempts over one gateway share its column."""
    legs = [plain(name) for name in ladder.legs] or ["dialer"]
    names = [legs[0], "trunkline"]
    lane_of_leg = {0: 0}
    highest = max([len(legs) - 1, *(row.leg for row in ladder.rows)])
    for leg in range(1, highest + 1):
        name = legs[leg] if leg < len(legs) else f"leg {leg}"
        if name not in names[2:]:
            names.append(name)
        lane_of_leg[leg] = names.index(name, 2)
    return names, lane_of_leg


def _lay_out(names: list[str], rows: list[LadderRow], width: int) -> Lanes | None:
    wanted = max([len(_labels(row)[0]) + 6 for row in rows] + [len(name) + 2 for name in names] + [NARROWEST])
    notes = NOTE if any(row.note for row in rows) else 2
    for beside in (notes, 2):
        # Half a name sticks out on either side of the outer lines.
        gap = min(wanted, WIDEST, (width - MARGIN - beside) // len(names))
        if gap >= NARROWEST + (3 if beside == NOTE else 0):
            return Lanes([name[: gap - 2] for name in names], MARGIN + gap // 2, gap)
    return None


def _heading(lanes: Lanes) -> str:
    line = f"{'ms':>{MARGIN - 2}}"
    for name, column in zip(lanes.names, lanes.columns, strict=True):
        line = line.ljust(column - len(name) // 2) + name
    return line


def _rungs(lanes: Lanes, mark: str = "|") -> list[str]:
    line = [" "] * lanes.end
    for column in lanes.columns:
        line[column] = mark
    return line


def _message(row: LadderRow, lanes: Lanes, lane: int, width: int) -> list[str]:
    line = _rungs(lanes)
    here, there = lanes.columns[1], lanes.columns[lane]
    left, right = sorted((here, there))
    to_the_right = row.sent == (there > here)
    room = right - left - 1
    label = next((label for label in _labels(row) if len(label) + 5 <= room), _labels(row)[-1][: room - 3])
    shaft = f" {label} ".center(room - 1, "-")
    line[left + 1 : right] = f"{shaft}>" if to_the_right else f"<{shaft}"
    time = f"{row.ms:>{MARGIN - 2}.1f}"
    line[: len(time)] = time
    return _beside(line, plain(row.note), lanes, width)


def _beside(line: list[str], note: str, lanes: Lanes, width: int) -> list[str]:
    """The line with its note to the right, wrapped there; below the line where there is no room."""
    text = "".join(line)
    if not note.strip():
        return [text]
    start = lanes.end + 2
    if width - start >= min(len(note), NOTE - 4):
        first, *more = textwrap.wrap(note, width - start)
        bare = "".join(_rungs(lanes))
        return [f"{text}  {first}", *(f"{bare}  {part}" for part in more)]
    pad = " " * (MARGIN + 2)
    return [text, *textwrap.wrap(note, width, initial_indent=pad, subsequent_indent=pad)]


def _labels(row: LadderRow) -> list[str]:
    """What to write on the arrow, the fullest first."""
    start, _, rest = plain(row.text).partition(" ")
    method = plain(row.cseq).rpartition(" ")[2]
    if start.isdigit():
        if method in ("INVITE", "") or method.isdigit():
            return [f"{start} {rest}".rstrip(), start]
        return [f"{start} {rest} ({method})", f"{start} {method}"]
    user, at, _ = rest.partition(":")[2].partition("@")
    return [f"{start} {user}", start] if start == "INVITE" and at else [start]


def _listed(row: LadderRow, names: list[str], lane_of_leg: dict[int, int], width: int) -> str:
    party = names[lane_of_leg[row.leg]]
    way = f"{names[1]} -> {party}" if row.sent else f"{party} -> {names[1]}"
    note = f"  [{plain(row.note)}]" if row.note else ""
    text = f"{row.ms:>{MARGIN - 2}.1f}  {way}: {_labels(row)[0]}{note}"
    return "\n".join(textwrap.wrap(text, width, subsequent_indent=" " * (MARGIN + 2), drop_whitespace=True))
