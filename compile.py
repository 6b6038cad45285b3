"""Compile the call path to machine code with mypyc: the same files, no second implementation.

    python compile.py            build in place, beside the sources
    python compile.py --clean    take it away again

What is built is used while it is current: one edited source file, or TRUNKLINE_PURE=1, and everything runs as plain Python again
(`src/trunkline/__init__.py`). Worth about a sixth of the CPU of a call (bench/RESULTS.md). Needs a C compiler and Python's headers.
"""

import argparse
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent
PACKAGE = ROOT / "src" / "trunkline"
STAMP = PACKAGE / "compiled.txt"
CALL_PATH = {
    "facts": ("clock",),
    "sip": ("build", "dialog", "digest", "endpoint", "events", "fault", "fields", "flow", "message", "multipart", "reliable", "session_timer", "timers"),
    "sip/transactions": ("client", "client_invite", "machine", "server", "server_invite", "settings"),
    "sip/sdp": ("call_path",),
    "sip/asyncio": ("network",),
    "calls": (
        "arrivals", "attempt", "audio", "call", "coverage", "ear", "early", "events", "gate", "hunt", "incoming", "leg", "masking", "negotiation", "outgoing", "record", "rendering", "state", "switchboard",
        "trace", "transfer",
    ),
    "stats": ("forgetting", "sketch"),
    "guard": ("compliance", "do_not_call", "identity", "ledger", "limits", "opt_outs", "pacing", "sharing"),
    "routing": ("bands", "candidates", "ceilings", "cell", "decks", "health", "listening", "rates", "router", "scoreboard"),
    "routing/strategies": ("table",),
    "numbers": ("areas", "book", "choice", "contacts", "dialer_caller", "evidence", "gathering", "history", "seats", "usage"),
    "decide": ("attestations", "callers", "decisions", "inbound", "waiting"),
    "media/relay": ("leg", "passage", "source", "tally", "worker"),
    "numbering": ("prefix", "reading", "rendering"),
    "node": ("core",),
}
"""What runs for every call. Modules that define a msgspec Struct stay out: mypyc would drop the class's keywords (frozen, gc, tag). So what a
checkpoint or the journal keeps is defined beside the module that works with it, and what neither keeps is a class or a frozen dataclass here,
whose attributes are one load; a constant is `Final`, or each use looks it up."""


def sources() -> list[Path]:
    """The files to compile."""
    return [PACKAGE / folder / f"{name}.py" for folder, names in CALL_PATH.items() for name in names]


def built() -> list[Path]:
    """Everything an earlier build left."""
    return [*PACKAGE.rglob("*.so"), *PACKAGE.parent.glob("*__mypyc*.so"), *([STAMP] if STAMP.exists() else [])]


def clean() -> None:
    for path in built():
        path.unlink()


def build() -> str:
    """Build in place; empty, or why it cannot be done here."""
    if not (Path(sysconfig.get_paths()["include"]) / "Python.h").exists() or shutil.which("cc") is None:
        return "no C compiler or no Python headers (Debian: apt-get install gcc python3-dev)"
    try:
        from mypyc.build import mypycify
        from setuptools import Distribution
    except ImportError as error:
        return f"{error.name} is not installed (pip install -e '.[dev]')"
    clean()
    with tempfile.TemporaryDirectory() as folder:
        modules = mypycify(
            ["--strict", "--ignore-missing-imports", "--config-file=", *map(str, sources())], opt_level="1", debug_level="0", target_dir=f"{folder}/c",
            include_runtime_files=True,
        )  # fmt: skip
        for module in modules:
            module.extra_compile_args += ["-Wno-all"]  # looking for what to warn of, in code that nobody wrote, takes twice as long as compiling it
            module.extra_link_args += ["-Wl,-Bsymbolic"]  # functions of ours call each other directly, not by way of the linker's table
        command = Distribution({"name": "trunkline", "ext_modules": modules, "package_dir": {"": "src"}}).get_command_obj("build_ext")
        command.build_temp = f"{folder}/o"  # type: ignore[attr-defined]
        command.build_lib = f"{folder}/lib"  # type: ignore[attr-defined]
        command.parallel = 2  # type: ignore[attr-defined]
        command.ensure_finalized()
        command.run()
        for path in sorted(Path(folder, "lib").rglob("*.so")):
            target = PACKAGE.parent / path.relative_to(Path(folder, "lib"))
            shutil.copyfile(path, target)
            target.chmod(0o755)
    stamp = [str(sys.implementation.cache_tag)]
    for path in sorted(PACKAGE.rglob("*.py")):  # all: compiled code believes what it saw of the modules it imports
        status = path.stat()
        stamp.append(f"{status.st_size} {status.st_mtime_ns} {path.relative_to(PACKAGE)}")
    STAMP.write_text("\n".join(stamp) + "\n")
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Compile the call path with mypyc.")
    parser.add_argument("--clean", action="store_true", help="remove what was built")
    if parser.parse_args().clean:
        clean()
        return 0
    why = build()
    if why:
        print(f"not compiled: {why}. Trunkline runs as plain Python, at about a sixth more CPU per call.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
