import warnings
from types import ModuleType

import numpy as np
import pytest

from trunkline.media.g711 import A_LAW, A_TO_MU, LAWS, MU_LAW, MU_TO_A, Law

CODES = np.arange(256, dtype=np.uint8)
EVERY_SAMPLE = np.arange(-32_768, 32_768).astype(np.int16)
BOTH = pytest.mark.parametrize("law", [MU_LAW, A_LAW], ids=["mu", "A"])


@pytest.fixture(scope="module")
def judge() -> ModuleType:
    """Python's own G.711, which left the standard library with 3.13."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        found: ModuleType = pytest.importorskip("audioop")
    return found


def test_every_code_decodes_as_the_judge_says(judge: ModuleType) -> None:
    for law, decode in ((MU_LAW, judge.ulaw2lin), (A_LAW, judge.alaw2lin)):
        expected = np.frombuffer(decode(CODES.tobytes(), 2), np.int16)
        assert np.array_equal(law.decode(CODES), expected)


def test_every_sample_encodes_as_the_judge_says(judge: ModuleType) -> None:
    for law, encode in ((MU_LAW, judge.lin2ulaw), (A_LAW, judge.lin2alaw)):
        assert law.encode_bytes(EVERY_SAMPLE) == encode(EVERY_SAMPLE.tobytes(), 2)


def test_the_ends_and_the_middle_of_the_recommendations_tables() -> None:
    mu = dict(zip(CODES.tolist(), MU_LAW.decode(CODES).tolist(), strict=True))
    assert (mu[0x80], mu[0x00], mu[0xFF], mu[0x7F], mu[0xFE], mu[0x8F]) == (4 * 8031, -4 * 8031, 0, 0, 4 * 2, 4 * 4191)
    a = dict(zip(CODES.tolist(), A_LAW.decode(CODES).tolist(), strict=True))
    assert (a[0xAA], a[0x2A], a[0xD5], a[0x55], a[0xD4]) == (8 * 4032, -8 * 4032, 8, -8, 24)


@BOTH
def test_codes_survive_a_round_trip(law: Law) -> None:
    again = law.encode(law.decode(CODES))
    twice = law.decode(again)
    assert np.array_equal(twice, law.decode(CODES))
    assert np.count_nonzero(again != CODES) == (1 if law is MU_LAW else 0), "mu-law has two zeros"


@BOTH
def test_the_error_stays_within_half_a_step(law: Law) -> None:
    sound = EVERY_SAMPLE[(EVERY_SAMPLE > -32_124) & (EVERY_SAMPLE < 32_124)]
    error = np.abs(law.decode(law.encode(sound)).astype(np.int32) - sound)
    assert np.all(error <= np.maximum(16, np.abs(sound.astype(np.int32)) // 16 // 2 + 17))


@BOTH
def test_rows_of_calls_go_in_one_step(law: Law) -> None:
    rows = np.random.default_rng(1).integers(-32_768, 32_768, (50, 160)).astype(np.int16)
    codes = law.encode(rows)
    assert codes.shape == (50, 160)
    assert codes[7].tobytes() == law.encode_bytes(rows[7])
    assert np.array_equal(law.decode(codes)[7], law.decode_bytes(codes[7].tobytes()))


def test_silence_and_payload_types() -> None:
    assert (MU_LAW.silence, A_LAW.silence) == (0xFF, 0xD5)
    assert (MU_LAW.payload_type, A_LAW.payload_type) == (0, 8)
    assert LAWS["PCMA"] is A_LAW


def test_one_law_becomes_the_other_by_a_table() -> None:
    payload = CODES.tobytes()
    assert np.array_equal(A_LAW.decode_bytes(payload.translate(MU_TO_A)), A_LAW.decode(A_LAW.encode(MU_LAW.decode(CODES))))
    assert bytes([MU_LAW.silence]).translate(MU_TO_A) == bytes([A_LAW.silence])
    heard = MU_LAW.decode_bytes(payload.translate(A_TO_MU)).astype(np.int32)
    said = A_LAW.decode(CODES).astype(np.int32)
    assert np.all(np.abs(heard - said) <= np.maximum(16, np.abs(said) // 16))
