"""Lines one studio worker listens to, in real time over loopback, and what that costs: the worker as shipped, all detectors on.

    python -m bench.studio                     # 300 answered lines with speech on them, not recorded and each recorded
    python -m bench.studio --lines 600
    python -m bench.studio --early             # lines that are not answered: what comes before is listened to

The audio is a crude voice with pauses, another one on every line, sent as G.711 by this process, which is not weighed. Lines are answered at once and
judged all the time; calls of three seconds end and others take their place, so that the worker pays for coming and going too. CPU time is
the worker's, between two points of the run. `lines_per_core` is what one core would carry at that price; the budget is 300. `tick_ms` is how
long a tick of 20 ms takes all lines together, sockets apart: its worst is what decides whether a tick is ever late.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.machine import describe
from bench.tree import cpu_seconds
from trunkline.media.g711 import MU_LAW
from trunkline.studio import Address, Heard, Recorded, Studio, StudioLost, StudioPool, StudioSettings
from trunkline.studio.pool import PROGRAM

FRAME_S = 0.02
SLOTS = 20
"Parts of a frame time over which lines are spread."
BUDGET = 300
VOICE_S = 6
CALL_S = 3.0
"Length of a call; all of it is judged."


class Run(NamedTuple):
    """One measurement."""

    cpu_share: float
    "Of one core."
    lines_per_core: float
    events: int
    recordings: int
    worker_mb: float
    generator_late_ms: float


class Line:
    """A call as this process sees it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.generation = 0
        self.address: Address | None = None
        self.begun_at = 0.0
        self.sequence = 0

    @property
    def call(self) -> str:
        return f"{self.number}-{self.generation}"


def voice() -> list[bytes]:
    """Frames of a voice: syllables of harmonics, with pauses, over a little noise."""
    rng = np.random.default_rng(7)
    time_s = np.arange(VOICE_S * 8000) / 8000
    pitch = 120 * (1 + 0.1 * np.sin(2 * np.pi * 1.3 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    made = sum(np.sin(k * phase) / (1 + ((k * 120 - 600) / 300) ** 2) for k in range(1, 25))
    made *= (0.6 + 0.4 * np.cos(2 * np.pi * 4 * time_s)) * (np.sin(2 * np.pi * 0.4 * time_s) > -0.5)
    samples = made / np.abs(made).max() * 12_000 + rng.standard_normal(len(time_s)) * 20
    codes = MU_LAW.encode_bytes(samples.astype(np.int16))
    return [codes[at : at + 160] for at in range(0, len(codes), 160)]


def measure(lines: int, seconds: float, folder: Path | None, answered: bool = True) -> Run:
    """Let a worker listen; with a folder it records every call too, one leg on both channels."""
    loop = asyncio.new_event_loop()
    settings = StudioSettings(lines=lines + 20, leased_ahead=64)
    studio = Studio(settings)
    pool = StudioPool(studio, settings)
    loop.run_until_complete(pool.start())
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.setblocking(False)
    frames = voice()
    calls = [Line(number) for number in range(lines)]
    events = recordings = 0
    late = 0.0

    def begin(line: Line, now: float) -> None:
        if line.address is not None:
            studio.forget(line.call, -1, now)
            line.generation += 1
        line.address = studio.listen(line.call, 1, now, formats={0: "PCMU"}, country="us", answered=answered, ring_time_s=8.0)
        line.begun_at, line.sequence = now, 0
        if line.address is not None and folder is not None:
            studio.record(line.call, (1, 1), str(folder / f"{line.call}.wav"), now)

    def link() -> None:
        nonlocal events, recordings
        pool.flush()
        loop.call_soon(loop.stop)
        loop.run_forever()
        while (event := studio.next_event()) is not None:
            if isinstance(event, StudioLost):
                raise RuntimeError("the worker died")
            events += isinstance(event, Heard)
            if isinstance(event, Recorded):
                recordings += 1
                if event.why:
                    raise RuntimeError(event.why)
                Path(event.file).unlink()

    try:
        (worker,) = pool.pids.values()
        start = time.monotonic()
        warm_up = CALL_S + 1.0
        weighed: list[tuple[float, float]] = []
        turn = 0
        while (elapsed := time.monotonic() - start) < warm_up + seconds:
            due = start + turn * FRAME_S / SLOTS
            late = max(late, time.monotonic() - due) if turn > SLOTS else 0.0
            now = loop.time()
            for line in calls[turn % SLOTS :: SLOTS]:
                # New calls are spread over the length of a call.
                if (line.address is None and elapsed * lines / CALL_S >= line.number) or (line.address is not None and now - line.begun_at >= CALL_S):
                    begin(line, now)
                if line.address is not None:
                    at = line.sequence
                    payload = frames[(at + 17 * line.number) % len(frames)]
                    with contextlib.suppress(BlockingIOError):
                        out.sendto(struct.pack("!BBHII", 0x80, 0, at & 0xFFFF, at * 160, line.number + 1) + payload, line.address)
                    line.sequence += 1
            link()
            if not weighed and elapsed >= warm_up:
                weighed.append((time.monotonic(), cpu_seconds(worker)))
            turn += 1
            spare = start + turn * FRAME_S / SLOTS - time.monotonic()
            if spare > 0:
                time.sleep(spare)
        weighed.append((time.monotonic(), cpu_seconds(worker)))
        resident = int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
        silent = sum(line.address is None for line in calls)
        if silent:
            raise RuntimeError(f"{silent} lines had no port")
    finally:
        out.close()
        loop.run_until_complete(pool.close())
        loop.close()
    (began, before), (ended, after) = weighed
    share = (after - before) / (ended - began)
    return Run(round(share, 4), round(lines / share), events, recordings, round(resident, 1), round(late * 1000, 1))


def ticks(lines: int, seconds: float, folder: Path | None, answered: bool = True) -> dict[str, float]:
    """How long it takes to read and hear a tick of all lines, in ms, sockets apart: on virtual time, as fast as it goes."""
    from trunkline.studio.protocol import Answered, Forget, Open, Record
    from trunkline.studio.room import Room

    room = Room(lines, lambda message: None, lambda: now)
    frames = voice()
    generations = [0] * lines
    per_call = round(CALL_S / FRAME_S)
    took = []
    now = 0.0
    gc.collect()
    gc.freeze()
    for tick in range(per_call + round(seconds / FRAME_S)):
        now = (tick + 1) * FRAME_S
        # Made before the clock runs: this is the far ends' work.
        packets = [
            memoryview(struct.pack("!BBHII", 0x80, 0, tick & 0xFFFF, tick * 160, number + 1) + frames[(tick + 17 * number) % len(frames)])
            for number in range(lines)
        ]
        begin = time.perf_counter()
        for number in range(lines):
            if (tick + number * per_call // lines) % per_call == 0:
                room.forget(Forget(f"{number}-{generations[number]}", -1))
                generations[number] += 1
                call = f"{number}-{generations[number]}"
                room.open(Open(call, 1, 0, now, {0: "PCMU"}, True, "us"))
                if answered:
                    room.answered(Answered(call, 1, now, 8.0, False))
                if folder is not None:
                    room.record(Record(call, (1,), str(folder / f"{call}.wav")))
        for line in room.lines.values():
            room.receive(line, packets[line.row])
        room.tick(now)
        if tick >= per_call:
            took.append(time.perf_counter() - begin)
    room.close(5.0)
    ms = np.array(took) * 1000
    return {"p50": round(float(np.median(ms)), 2), "p99": round(float(np.percentile(ms, 99)), 2), "worst": round(float(ms.max()), 2)}


def ticks_apart(lines: int, seconds: float, *, records: bool, answered: bool) -> dict[str, float]:
    """`ticks` in a process that has the environment of a worker."""
    command = [sys.executable, "-m", "bench.studio", "--ticks-only", "--lines", str(lines), "--seconds", str(seconds), *(["--record"] if records else []), *([] if answered else ["--early"])]
    done = subprocess.run(command, env={**os.environ, **PROGRAM.environment}, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=3.0, help="weighed, of each run")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--ticks-only", action="store_true", help="only time ticks in this process, and print that")
    parser.add_argument("--record", action="store_true", help="with --ticks-only: record every call")
    parser.add_argument("--early", action="store_true", help="no line is ever answered")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.ticks_only:
            json.dump(ticks(arguments.lines, arguments.seconds, folder if arguments.record else None, not arguments.early), sys.stdout)
            return
        result: dict[str, object] = {"lines": arguments.lines, "budget_lines_per_core": BUDGET}
        for name, records in (("listening", False), ("recording", True)):
            run = measure(arguments.lines, arguments.seconds, folder if records else None, not arguments.early)
            print(f"{name}: {run}", file=sys.stderr)
            result[name] = {**run._asdict(), "tick_ms": ticks_apart(arguments.lines, arguments.seconds, records=records, answered=not arguments.early)}
    result["machine"] = describe()
    if arguments.json:
        json.dump(result, sys.stdout, indent=1)
        print()
        return
    for name in ("listening", "recording"):
        print(name, json.dumps(result[name]))


if __name__ == "__main__":
    main()
