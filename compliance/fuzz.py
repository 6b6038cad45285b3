"""Coverage-guided fuzzing with atheris: bytes into every parser and a whole node.

    python compliance/fuzz.py --seconds 60

Bounded in time. Exits with 1 and leaves the input in compliance/crashes/ when something other than a value or a refusal comes out.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["trunkline.sip", "trunkline.calls"]):
    from tests.compliance.fuzzing import SEEDS, feed


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=int, default=60, help="how long (default 60)")
    seconds = arguments.parse_args().seconds
    crashes = ROOT / "compliance" / "crashes"
    crashes.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as corpus:
        for i, seed in enumerate(SEEDS):
            (Path(corpus) / f"seed-{i}").write_bytes(seed)
        options = [sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", f"-artifact_prefix={crashes}/", "-print_final_stats=1", corpus]
        atheris.Setup(options, feed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
