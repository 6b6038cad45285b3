"""sippy's `b2bua_simple`, the B2BUA in Python that people run; in a virtual environment made on first use."""

import os
import subprocess
import sys
from pathlib import Path

from bench.peers.running import Launch, PeerError
from bench.ports import Address, free_addresses

VERSION = "2.5.0"


def environment() -> Path:
    """Give the virtual environment, installing sippy from PyPI if it is not there yet."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    place = cache / "trunkline-bench" / f"sippy-{VERSION}"
    if not (place / "bin" / "b2bua_simple").exists():
        for command in (
            [sys.executable, "-m", "venv", "--clear", str(place)],
            [str(place / "bin" / "pip"), "install", "--quiet", f"sippy=={VERSION}"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise PeerError(f"sippy could not be installed: {' '.join(command)}\n{done.stderr}")
    return place


def launch(folder: Path, next_hop: Address) -> Launch:
    """Give the command of a B2BUA towards `next_hop`, its log off: by default sippy pays for writing every message."""
    (access,) = free_addresses(1)
    program = str(environment() / "bin" / "b2bua_simple")
    argv = [program, "-f", "-l", access.host, "-p", str(access.port), "-n", str(next_hop)]
    return Launch(argv, access, {"SIPLOG_BEND": "none"})
