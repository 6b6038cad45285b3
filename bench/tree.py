"""CPU time and memory of a process with everything it has started.

A peer may be one thread or a supervisor with a dozen workers, and only the whole tree can be compared. The CPU time of
a live process is its POSIX CPU clock (`clock_getcpuclockid(3)`): user and system time of all its threads, ended ones
too, to the nanosecond, where `/proc/PID/stat` rounds to ticks of 10 ms. Children that a live process has already reaped
are known in ticks only; of a finished tree `wait4` tells the total with all reaped descendants to the microsecond.
"""

import ctypes
import os
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
CPU_CLOCK_OF_PROCESS = 2
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def adopt_orphans() -> None:
    """Let grandchildren whose parent dies first become ours, so that `wait4` still tells what they used (prctl(2))."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def tree(root: int) -> list[int]:
    """List `root` and its living descendants."""
    found = [root]
    for pid in found:
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found.extend(int(child) for child in (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def cpu_seconds(root: int) -> float:
    """Sum user and system time that the tree under `root` has used since it was started."""
    return sum(cpu_by_process(root).values())


def cpu_by_process(root: int) -> dict[str, float]:
    """The same, process by process."""
    found: dict[str, float] = {}
    for pid in tree(root):
        try:
            used = time.clock_gettime_ns((~pid << 3) | CPU_CLOCK_OF_PROCESS) / 1e9
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            argv = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        except (OSError, ProcessLookupError):
            continue
        name = _name(argv)
        found[name] = found.get(name, 0.0) + used + (int(fields[13]) + int(fields[14])) * TICK_S
    return found


def _name(argv: list[str]) -> str:
    """The program; of Python the script or module it runs."""
    program = Path(argv[0]).name
    if not program.startswith("python"):
        return program
    return argv[2] if argv[1] == "-m" else Path(argv[1]).name


def resident_kb(root: int) -> dict[str, int]:
    """Sum `Rss` and `Pss` of the tree in KiB (proc_pid_smaps(5)); Rss counts a page once per process, Pss once."""
    total = {"Rss": 0, "Pss": 0}
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for line in lines:
            name = line.partition(":")[0]
            if name in total:
                total[name] += int(line.split()[1])
    return total
