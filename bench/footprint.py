"""What a message touches: instructions, and cache lines of code and data, of the sans-IO node that meets each message with an empty cache.

    python -m bench.footprint [--calls 5] [--top 0] [--json]

At 300 calls/s other programs and the kernel have the caches between two messages of ours, so a call costs what it touches rather than what it
computes. valgrind's callgrind counts both exactly, the same on every machine and however busy it is: the figure to compare two versions by.
Needs valgrind and a C compiler (Debian: apt-get install valgrind gcc); `--top N` names the N functions that touch most.
"""

import argparse
import ctypes
import gc
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.machine import describe
from bench.micro import Load
from trunkline.sip.flow import Flow

SWITCH = """
#include <valgrind/callgrind.h>
void begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void end(void) { CALLGRIND_STOP_INSTRUMENTATION; }
"""
"Instrumentation that begins finds the simulated caches empty."

CACHES = ("--I1=32768,8,64", "--D1=49152,12,64", "--LL=1048576,8,64")
"Lines of 64 bytes; a last level of 1 MB holds all that one message touches."

WARM_UP_CALLS = 200
COUNTS = ("instructions", "code_lines", "data_lines_read", "data_lines_written")
COLUMNS = (0, 6, 7, 8)
"Of callgrind's Ir Dr Dw I1mr D1mr D1mw ILmr DLmr DLmw."


class Watched(Load):
    """Calls whose messages are counted one by one."""

    def __init__(self, switch: ctypes.CDLL) -> None:
        super().__init__()
        self.switch = switch
        self.counting = False

    def feed(self, stage: str, data: bytes, flow: Flow) -> list[tuple[Flow, bytes]]:
        if not self.counting:
            return super().feed(stage, data, flow)
        self.switch.begin()
        self.core.receive(data, flow, self.now)
        sent = self.core.datagrams_to_send()
        self.switch.end()
        return sent


def watched(calls: int, library: str) -> None:
    """What runs under valgrind."""
    load = Watched(ctypes.CDLL(library))
    for i in range(WARM_UP_CALLS):
        load.call(i)
    gc.collect()
    gc.freeze()
    gc.disable()
    load.counting = True
    for i in range(1000, 1000 + calls):
        load.call(i)


def measure(calls: int) -> dict[tuple[str, str], list[float]]:
    """Counts by program and function, per call. Raises CalledProcessError or FileNotFoundError where valgrind or a compiler is missing."""
    with tempfile.TemporaryDirectory() as folder:
        source, library, out = Path(folder, "switch.c"), Path(folder, "switch.so"), Path(folder, "callgrind.out")
        source.write_text(SWITCH)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
        subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--cache-sim=yes", *CACHES, f"--callgrind-out-file={out}", sys.executable, "-m", "bench.footprint",
             "--calls", str(calls), "--under", str(library)],
            check=True, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONHASHSEED": "1"},
        )  # fmt: skip
        return read(out.read_text(), calls)


def read(profile: str, calls: int) -> dict[tuple[str, str], list[float]]:
    """A callgrind profile: what each function itself did, in the order of `COUNTS`."""
    names: dict[tuple[str, str], str] = {}
    spent: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * len(COUNTS))
    program = function = ""
    called = False
    for line in profile.splitlines():
        named = re.match(r"(c?)(ob|fn)=(\(\d+\))(?: (.*))?$", line)
        if named:
            callee, kind, number, name = named.groups()
            name = names[kind, number] = name or names[kind, number]
            if not callee and kind == "ob":
                program = Path(name).name
            elif not callee:
                function = name
        elif line.startswith("calls="):
            called = True
        elif line[:1].isdigit() or line[:1] in ("+", "-", "*"):
            if not called:
                counts = [int(count) for count in line.split()[1:]] + [0] * 9
                row = spent[program, function]
                for i, column in enumerate(COLUMNS):
                    row[i] += counts[column] / calls
            called = False
    return {where: row for where, row in spent.items() if program_counts(where[0])}


def program_counts(program: str) -> bool:
    """Whether a program is part of the node rather than of the measurement."""
    return not program.startswith(("_ctypes", "libffi", "switch", "???"))


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--calls", type=int, default=5, help="calls counted (default 5; valgrind is slow)")
    arguments.add_argument("--top", type=int, default=0, help="name the functions that touch most")
    arguments.add_argument("--json", action="store_true", help="print one JSON object")
    arguments.add_argument("--under", default="", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.under:
        watched(given.calls, given.under)
        return 0
    try:
        spent = measure(given.calls)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        print(f"bench.footprint: {error}; it needs valgrind and a C compiler: apt-get install valgrind gcc", file=sys.stderr)
        return 2
    totals = {name: round(sum(row[i] for row in spent.values())) for i, name in enumerate(COUNTS)}
    totals["lines"] = sum(totals[name] for name in COUNTS[1:])
    top = sorted(spent.items(), key=lambda item: -sum(item[1][1:]))[: given.top]
    if given.json:
        functions = [{"program": program, "function": function, **{name: round(row[i], 1) for i, name in enumerate(COUNTS)}} for (program, function), row in top]
        print(json.dumps({"per_call": totals, "top": functions, "machine": describe()}))
        return 0
    for name, count in totals.items():
        print(f"{name:20} {count:9,} per call")
    for (program, function), row in top:
        print(f"{sum(row[1:]):7.0f} lines {row[0]:8.0f} instructions  {function}  ({program})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
