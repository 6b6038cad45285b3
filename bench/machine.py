"""What a result was measured on. `python -m bench.machine` prints it for RESULTS.md; every JSON result carries it."""

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.peers import sippy


def describe() -> dict[str, str | int]:
    """Name processor, system and the versions of everything measured; `missing` where a program is not installed."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count() or 0,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system()),
        "python": platform.python_version(),
        "trunkline": package("trunkline"),
        "uvloop": package("uvloop"),
        "msgspec": package("msgspec"),
        "kamailio": first_line("kamailio", "-v", start="version: kamailio "),
        "sipp": first_line("sipp", "-v", start="SIPp v"),
        "sippy": sippy.VERSION,
    }


def cpu_model() -> str:
    """Read the processor's name as Linux gives it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def package(name: str) -> str:
    """Give the installed version of a Python package."""
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def first_line(program: str, option: str, start: str) -> str:
    """Give what follows `start` in the output of a program, which prints it among other things."""
    if shutil.which(program) is None:
        return "missing"
    # SIPp ends its `-v` with status 99.
    output = subprocess.run([program, option], capture_output=True, text=True, check=False).stdout
    for line in output.splitlines():
        if line.strip().startswith(start):
            return line.strip().removeprefix(start).split()[0].rstrip(".")
    return "unknown"


if __name__ == "__main__":
    json.dump(describe(), sys.stdout, indent=2)
    print()
