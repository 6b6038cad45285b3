"""How fast the journal is: `python tests/records/throughput.py [--json]`. CPU time, whole process."""

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from samples import NOON_US, a_call

from trunkline.facts.record import Fact
from trunkline.records import Journal, Reading


class Rates(msgspec.Struct):
    """Facts per CPU-second, and bytes per fact."""

    write: float
    read: float
    append_us: float
    bytes_per_fact: float


def measure(directory: Path, facts: Sequence[Fact], batch: int = 50) -> Rates:
    """Write `facts` in batches as a node does at the end of its loop turns, sync once, and read them back."""
    journal = Journal(directory)
    began = time.process_time()
    for fact in facts:
        journal.append(fact)
    append_s = time.process_time() - began
    journal.flush(NOON_US)
    began = time.process_time()
    for start in range(0, len(facts), batch):
        for fact in facts[start : start + batch]:
            journal.append(fact)
        if not journal.flush(NOON_US):
            raise OSError(journal.fault)
    write_s = time.process_time() - began
    size = sum(path.stat().st_size for path in directory.iterdir())
    journal.close(NOON_US)
    began = time.process_time()
    count = sum(1 for _ in Reading(directory))
    read_s = time.process_time() - began
    return Rates(len(facts) / write_s, count / read_s, append_s / len(facts) * 1e6, size / count)


if __name__ == "__main__":
    sample = [fact for number in range(11_112) for fact in a_call(f"call-{number:06}")][:100_000]
    with tempfile.TemporaryDirectory() as place:
        rates = [measure(Path(place, str(batch)), sample, batch) for batch in (9, 50)]
    if "--json" in sys.argv:
        print(msgspec.json.encode({"batch_9": rates[0], "batch_50": rates[1]}).decode())
    else:
        print("\n".join(map(str, rates)))
