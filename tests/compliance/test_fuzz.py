"""Whatever arrives, the answer is a value or a refusal; hypothesis mutates good messages and makes up bad ones."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .fuzzing import SEEDS, feed

EDITS = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 6), st.binary(max_size=12)), min_size=1, max_size=6)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good message with a few bytes cut, doubled or replaced."""
    data = draw(st.sampled_from(SEEDS))
    for where, cut, put in draw(EDITS):
        at = int(where * len(data))
        data = data[:at] + put + data[at + cut :]
    return data


@given(mutated())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_message_is_a_value_or_a_refusal(data: bytes) -> None:
    feed(data)


@given(st.binary(max_size=600))
@settings(max_examples=200, deadline=None)
def test_noise_is_a_value_or_a_refusal(data: bytes) -> None:
    feed(data)


def test_every_seed_is_taken() -> None:
    for seed in SEEDS:
        feed(seed)
