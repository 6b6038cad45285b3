import subprocess
import sys

import pytest
from msgspec import DecodeError

from trunkline.policy import Snapshot, decode, encode


def test_a_snapshot_survives_the_pipe(snapshot: Snapshot) -> None:
    assert decode(encode(snapshot)) == snapshot


def test_anything_else_is_an_error() -> None:
    with pytest.raises(DecodeError):
        decode(b"\x80")


def test_decoding_loads_neither_models_nor_yaml() -> None:
    program = "import sys, trunkline.policy; print(*sorted({'pydantic', 'yaml'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
