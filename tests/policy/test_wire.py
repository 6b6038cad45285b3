import subprocess
import sys

import pytest
from msgspec import DecodeError

from trunkline.policy import Snapshot, decode, encode, load_policy
from trunkline.policy.wire import FIELD, LARGEST, LENGTH, PIECE, decoding, discarding


def test_a_snapshot_survives_the_pipe(snapshot: Snapshot) -> None:
    assert decode(encode(snapshot)) == snapshot


def test_anything_else_is_an_error() -> None:
    with pytest.raises(DecodeError):
        decode(b"\x80")


def test_decoding_loads_neither_models_nor_yaml() -> None:
    program = "import sys, trunkline.policy, trunkline.node.serve; print(*sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def large(destinations: int = 600) -> Snapshot:
    text = "carriers:\n" + "".join(f"  c{n}: {{gateways: {{g: {{host: 192.0.2.{n}}}}}}}\n" for n in range(5)) + "destinations:\n"
    text += "".join(f'  d{n}: {{prefixes: ["{1000 + n}"], routes: [{{to: c{n % 5}}}, {{to: c{(n + 1) % 5}}}]}}\n' for n in range(destinations))
    text += "dids:\n" + "".join(f'  "+1415{n:07}": {{trunks: [office]}}\n' for n in range(700))
    text += "tenants: {acme: {}}\ntrunks: {office: {tenant: acme, addresses: [" + ", ".join(f"10.{n // 250}.{n % 250}.1" for n in range(600)) + "], host: 192.0.2.99}}\n"
    loaded = load_policy(text)
    assert isinstance(loaded, Snapshot), loaded
    return loaded


def in_steps(data: bytes) -> tuple[Snapshot, int]:
    steps = decoding(data)
    taken = 0
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value, taken
        taken += 1


def test_a_large_snapshot_is_decoded_in_small_steps() -> None:
    snapshot = large()
    data = encode(snapshot)
    decoded, steps = in_steps(data)
    assert decoded == snapshot
    entries = 2 * 600 + 700 + 600
    assert steps >= entries / PIECE
    assert all(length <= LARGEST for length in frame_lengths(data)), "no step has more to do than a frame"


def frame_lengths(data: bytes) -> list[int]:
    lengths, at = [], 0
    while at < len(data):
        lengths.append(int.from_bytes(data[at : at + LENGTH]))
        at += LENGTH + FIELD + lengths[-1]
    return lengths


def test_a_snapshot_with_nothing_in_it_survives() -> None:
    empty = load_policy("carriers: {}\n")
    assert isinstance(empty, Snapshot)
    assert decode(encode(empty)) == empty


def test_what_is_cut_short_is_an_error_wherever_it_is_cut(snapshot: Snapshot) -> None:
    data = encode(snapshot)
    for length in range(0, len(data), 7):
        with pytest.raises(DecodeError):
            decode(data[:length])


def test_letting_go_takes_steps_and_takes_nothing_from_others() -> None:
    snapshot = large()
    kept = snapshot.destinations["d7"]
    prefixes = snapshot.prefixes
    steps = sum(1 for _ in discarding(snapshot))
    assert steps > (2 * 600 + 700) / PIECE
    assert kept.routes[0].gateways == ("c2/g",)
    assert len(prefixes) == 600, "nothing was taken out of what somebody else still holds"

