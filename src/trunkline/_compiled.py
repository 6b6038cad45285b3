"""Which form of the call path runs: machine code where it was built and is current, plain Python otherwise.

Python prefers an extension module to the source beside it, and would go on preferring it after an edit. In a checkout the build leaves
the sizes and times of the sources it saw; where one differs, or TRUNKLINE_PURE is set, a finder hides every extension module.

This is loaded before anything of ours can answer Ctrl-C (`__main__.py`), so it imports nothing that Python has not loaded by itself.
"""

import os
import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

HERE = os.path.dirname(os.path.abspath(__file__))
STAMP = "compiled.txt"
"What the build saw: the Python it was for, then size, time in nanoseconds and name of each source, one a line."


class SourcesOnly:
    """A meta path finder that sees Trunkline's sources and nothing else."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not name.startswith("trunkline."):
            return None
        for entry in path or ():
            spec = FileFinder(entry, (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)
            if spec is not None:
                return spec
        return None


def is_current() -> bool:
    """The build saw the sources as they are now."""
    try:
        with open(f"{HERE}/{STAMP}") as stamp:
            if stamp.readline().strip() != sys.implementation.cache_tag:
                return False
            for line in stamp:
                size, time_ns, name = line.rstrip("\n").split(" ", 2)
                status = os.stat(f"{HERE}/{name}")
                if (status.st_size, status.st_mtime_ns) != (int(size), int(time_ns)):
                    return False
    except (OSError, ValueError):
        return False
    return True


def choose() -> bool:
    """Decide once, at import; True when machine code runs."""
    if not os.environ.get("TRUNKLINE_PURE") and is_current():
        return True
    sys.meta_path.insert(0, SourcesOnly)
    return False
