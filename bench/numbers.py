"""What 20,000 numbers cost: to import, to choose from, to learn about, to keep.

    python -m bench.numbers [--numbers 20000] [--json]

CPU time, because wall times on shared machines lie. The market has 300 areas over North America, one pool; 10,000 calls take a number, are
answered one in four and end, as they would in the node.
"""

import argparse
import gc
import json
import time
import tracemalloc
from random import Random
from statistics import median

from bench.machine import describe
from trunkline.facts.numbers import NumberFact
from trunkline.facts.record import Attempt, Call
from trunkline.numbers import Areas, Ask, Chosen, NumberBook, read_csv
from trunkline.numbers.inventory import Import
from trunkline.policy.areas import Area
from trunkline.policy.number_rules import Rules

START = 1_772_366_400_000_000
"1 March 2026, noon UTC."
AREAS = 300


def areas() -> Areas:
    random = Random(1)
    return Areas(tuple(
        Area(f"area-{i}", "US", (f"1{200 + i}",), random.uniform(26, 48), random.uniform(-122, -70)) for i in range(AREAS)
    ))  # fmt: skip


def inventory_csv(count: int) -> str:
    lines = ["number,owner,type,country,area,use,pool,provider,proof,proof_from,proof_until,callback,start"]
    lines += [
        f"+1{200 + i % AREAS}{2_220_000 + i // AREAS},acme,geographic,US,area-{i % AREAS},sales,sales-us,alpha,loa-{i // 100},2026-01-01,2027-01-01,sales,production"
        for i in range(count) if i % AREAS not in (11, 111, 211)
    ]  # fmt: skip
    return "\n".join(lines)


def attempt(call: str, at: int, answered: bool) -> Attempt:
    return Attempt(
        call, 1, at, "acme", "dialer", "us", "alpha", "alpha/ny", "udp", "192.0.2.1:5060", "+1", "+1", "x", 200 if answered else 486, "", "", 0,
        "answered" if answered else "callee", "", "answered" if answered else "stop", "", "carrier", 10.0, 100.0, 100.0, None,
        2_000.0 if answered else None, 30_000.0 if answered else None, 33_000.0, "180", "PCMU", "", 0, False, False, 0, "",
    )  # fmt: skip


def ended(call: str, at: int) -> Call:
    return Call(
        call, at, "n1", "v", "outbound", "acme", "dialer", "", "udp", "", "", "", "", "", "", "us", "priority", {}, "disconnected", 200, 16, "answered", "",
        "dialer", 1, "alpha", "alpha/ny", None, None, None, None, 33_000.0, 0, 0, False, "",
    )  # fmt: skip


def cpu_us(began: float, count: int) -> float:
    return (time.process_time() - began) / count * 1e6


def measure(count: int) -> dict[str, float]:
    text = inventory_csv(count)
    near = areas()
    book = NumberBook(lambda pool: _RULES, near)
    began = time.process_time()
    imported: Import = read_csv(text, book.inventory, near, START, "bench")
    assert not imported.problems, imported.problems[:3]
    read_s = time.process_time() - began
    began = time.process_time()
    for fact in imported.facts:
        book.apply(fact)
    applied_s = time.process_time() - began
    held = imported.added
    random = Random(2)
    choosing: list[float] = []
    learning: list[float] = []
    at = START
    chosen = 0
    for batch in range(20):
        asks = [Ask("sales-us", f"+1{random.randrange(200, 500)}{random.randrange(2_000_000, 9_999_999)}", "acme") for _ in range(500)]
        began = time.process_time()
        answers = [book.choose(ask, at, random) for ask in asks]
        choosing.append(cpu_us(began, len(asks)))
        facts: list[NumberFact | Attempt | Call] = []
        for i, (ask, answer) in enumerate(zip(asks, answers, strict=True)):
            at += 20_000
            if isinstance(answer, Chosen):
                chosen += 1
                call = f"{batch}-{i}"
                facts += [book.take(answer, call, ask.callee, "c", "", at), attempt(call, at, random.random() < 0.25), ended(call, at)]
        began = time.process_time()
        for one in facts:
            book.apply(one)
        learning.append(cpu_us(began, len(asks)))
    began = time.process_time()
    pieces = list(book.dump())
    dumped_s = time.process_time() - began
    began = time.process_time()
    other = NumberBook(lambda pool: _RULES, near)
    other.load(pieces)
    loaded_s = time.process_time() - began
    began = time.process_time()
    book.review_all(at)
    review_us = cpu_us(began, held)
    return {
        "numbers": held, "import_s": round(read_s + applied_s, 3), "read_s": round(read_s, 3), "apply_s": round(applied_s, 3), "chosen": chosen,
        "choose_us": round(median(choosing), 2), "choose_us_first_500": round(choosing[0], 2), "learn_us_per_call": round(median(learning), 2),
        "review_us_per_number": round(review_us, 2), "dump_s": round(dumped_s, 3), "dump_pieces": len(pieces), "load_s": round(loaded_s, 3),
        "checkpoint_bytes_per_number": round(sum(map(len, pieces)) / held),
    }  # fmt: skip


def memory(count: int) -> int:
    """Bytes per number, held and ready to be chosen (measured apart: tracing slows everything)."""
    text, near = inventory_csv(count), areas()
    book = NumberBook(lambda pool: _RULES, near)
    imported = read_csv(text, book.inventory, near, START, "bench")
    gc.collect()
    tracemalloc.start()
    for fact in imported.facts:
        book.apply(fact)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used // max(1, imported.added)


_RULES = Rules()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures: dict[str, object] = {**measure(options.numbers), "bytes_per_number": memory(options.numbers)}
    if options.json:
        print(json.dumps({**figures, "machine": describe()}))
    else:
        for name, value in figures.items():
            print(f"{name:32} {value}")


if __name__ == "__main__":
    main()
