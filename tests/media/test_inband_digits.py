import numpy as np
import pytest
from numpy.typing import NDArray

from trunkline.media.g711 import A_LAW, MU_LAW
from trunkline.media.inband_digits import HIGH, KEYS, LOW, DigitHeard, DigitOver, InbandDigits, make_digit, make_digits

Sound = NDArray[np.float64]


def hear(sound: NDArray[np.generic], offset: int = 0) -> list[DigitHeard | DigitOver]:
    """All that is told of one call's sound, begun `offset` samples into a frame."""
    padded = np.concatenate([np.zeros(offset), sound, np.zeros(480 - (len(sound) + offset) % 160)])
    frames = np.clip(np.rint(padded), -32_768, 32_767).astype(np.int16).reshape(-1, 1, 160)
    detector = InbandDigits(1)
    return [one for frame in frames for one in detector.hear(frame)[0]]


def digits(sound: NDArray[np.generic], offset: int = 0) -> str:
    return "".join(one.digit for one in hear(sound, offset) if isinstance(one, DigitHeard))


def pair(low: float, high: float, duration_s: float, low_dbm0: float = -9.0, high_dbm0: float = -9.0) -> Sound:
    at = np.arange(round(duration_s * 8000)) / 8000
    peak = [32_767 * 10 ** ((level - 3.14) / 20) for level in (low_dbm0, high_dbm0)]
    return np.asarray(peak[0] * np.sin(2 * np.pi * low * at) + peak[1] * np.sin(2 * np.pi * high * at))


def every_pair() -> list[tuple[str, float, float]]:
    return [(KEYS[4 * row + column], low, high) for row, low in enumerate(LOW) for column, high in enumerate(HIGH)]


def test_every_digit_at_every_place_in_a_frame_with_the_shortest_tone_and_pause() -> None:
    sound = make_digits(KEYS, 0.04, 0.04)
    for offset in range(0, 160, 7):
        assert digits(sound, offset) == KEYS, offset


@pytest.mark.parametrize("law", [A_LAW, MU_LAW])
def test_digits_survive_g711(law: object) -> None:
    sound = make_digits(KEYS, 0.04, 0.04)
    assert isinstance(law, type(A_LAW))
    assert digits(law.decode(law.encode(sound))) == KEYS


def test_a_digit_is_told_when_sure_and_when_over() -> None:
    assert hear(make_digit("5", 0.2)) == [DigitHeard(0, "5"), DigitOver(0, "5", 0.2)]


def test_a_tone_of_23_ms_is_none() -> None:
    for digit, low, high in every_pair():
        for offset in range(0, 160, 11):
            assert digits(pair(low, high, 0.023), offset) == "", digit


def test_an_interruption_of_10_ms_splits_no_digit_and_40_ms_do() -> None:
    for offset in range(0, 160, 11):
        for gap, expected in ((0.01, "7"), (0.04, "77")):
            sound = np.concatenate([make_digit("7", 0.06), np.zeros(round(gap * 8000)), make_digit("7", 0.06)])
            assert digits(sound, offset) == expected


def test_frequencies_1_5_percent_off_are_accepted_and_3_5_percent_are_not() -> None:
    for digit, low, high in every_pair():
        for sign_low in (-1, 1):
            for sign_high in (-1, 1):
                near = pair(low * (1 + 0.015 * sign_low), high * (1 + 0.015 * sign_high), 0.06)
                assert all(digits(near, offset) == digit for offset in range(0, 80, 13)), (digit, sign_low, sign_high)
            for far in (pair(low * (1 + 0.035 * sign_low), high, 0.1), pair(low, high * (1 + 0.035 * sign_low), 0.1)):
                assert all(digits(far, offset) == "" for offset in range(0, 80, 13)), (digit, sign_low)


def test_twist_within_q24_is_accepted_and_far_beyond_is_not() -> None:
    for digit, low, high in every_pair():
        for detune in (0.985, 1.0, 1.015):
            assert digits(pair(low * detune, high * detune, 0.06, -14, -10)) == digit
            assert digits(pair(low * detune, high * detune, 0.06, -10, -18)) == digit
        assert digits(pair(low, high, 0.1, -16, -9)) == ""
        assert digits(pair(low, high, 0.1, -6, -18)) == ""


def test_levels_from_0_to_minus_25_are_accepted_and_minus_30_is_not() -> None:
    for digit, low, high in every_pair():
        for level in (-3.0, -10.0, -25.0):
            assert digits(pair(low, high, 0.06, level, level)) == digit, level
        assert digits(pair(low, high, 0.1, -30, -30)) == ""


def test_digits_are_heard_at_15_db_above_noise() -> None:
    noise = np.random.default_rng(4)
    missed = heard = 0
    for _ in range(20):
        sound = np.concatenate([part for _, low, high in every_pair() for part in (pair(low, high, 0.05, -12, -12), np.zeros(400))])
        level = 32_767 * 10 ** ((-12 - 3.14) / 20) / np.sqrt(2) * 10 ** (-15 / 20)
        found = digits(sound + noise.normal(0, level, len(sound)))
        heard += len(found)
        missed += 16 - sum(one in found for one in KEYS)
    assert (missed, heard) == (0, 320)


def test_single_tones_and_dial_tone_are_no_digits() -> None:
    for frequency in (*LOW, *HIGH):
        assert digits(pair(frequency, frequency, 0.3)) == ""
    for low, high in ((350, 440), (440, 480), (480, 620), (425, 425), (1400, 2060), (2130, 2750), (1100, 2100), (950, 1400)):
        assert digits(pair(low, high, 0.5)) == "", (low, high)
    assert digits(np.zeros(8000)) == ""


def speech(seconds: float, seed: int) -> Sound:
    """Synthetic speech: a gliding pulse train (or noise) through three formants that change every 60 to 250 ms, with pauses."""
    chance = np.random.default_rng(seed)
    parts: list[Sound] = []
    pitch = chance.uniform(80, 300)
    while sum(map(len, parts)) < seconds * 8000:
        size = int(chance.uniform(0.06, 0.25) * 8000)
        glide = pitch * np.linspace(1, chance.uniform(0.8, 1.25), size)
        source = np.diff(np.floor(np.cumsum(glide) / 8000), prepend=0.0)
        kind = chance.random()
        source = chance.normal(0, 0.1, size) if kind < 0.15 else source * (kind < 0.85)
        spectrum = np.fft.rfft(source, 2 * size)
        hertz = np.fft.rfftfreq(2 * size, 1 / 8000)
        for low, high, width in ((250, 950, 60), (800, 2400, 90), (2200, 3400, 150)):
            centre = chance.uniform(low, high)
            spectrum *= 0.15 + 1 / (1 + ((hertz - centre) / (width * chance.uniform(0.5, 2))) ** 2)
        sound = np.fft.irfft(spectrum)[:size]
        parts.append(np.asarray(sound / (np.abs(sound).max() + 1e-9) * chance.uniform(2000, 16_000)))
    return np.concatenate(parts)


def test_speech_dials_nothing() -> None:
    """Ten minutes from forty voices, heard as forty rows."""
    voices = np.stack([speech(15.0, seed)[:120_000] for seed in range(40)]).astype(np.int16)
    detector = InbandDigits(40)
    told = [one for frame in range(750) for one in detector.hear(voices[:, frame * 160 : frame * 160 + 160])[0]]
    assert told == []


def test_rows_are_heard_apart_and_in_any_order() -> None:
    detector = InbandDigits(4)
    sound = {1: make_digits("12", 0.06, 0.06), 3: make_digits("90", 0.06, 0.06)}
    found: dict[int, str] = {}
    for start in range(0, len(sound[1]) - 159, 160):
        frames = np.stack([sound[3][start : start + 160], sound[1][start : start + 160]])
        for one in detector.hear(frames, np.array([3, 1]))[0]:
            if isinstance(one, DigitHeard):
                found[one.row] = found.get(one.row, "") + one.digit
    assert found == {1: "12", 3: "90"}


def test_the_mask_covers_a_digit_from_its_first_frame_to_its_end() -> None:
    detector = InbandDigits(2)
    sound = np.concatenate([np.zeros(320), make_digit("8", 0.1), np.zeros(960)]).astype(np.int16).reshape(-1, 160)
    masks = [detector.hear(np.stack([frame, np.zeros(160, np.int16)]))[1].tolist() for frame in sound]
    assert [mask[0] for mask in masks] == [False] * 2 + [True] * 7 + [False] * 4, "five frames of tone, and until the end is sure"
    assert not any(mask[1] for mask in masks)


def test_a_row_that_is_reset_has_forgotten() -> None:
    detector = InbandDigits(1)
    tone = make_digit("1", 0.2).reshape(-1, 1, 160)
    assert detector.hear(tone[0])[0] == []
    detector.reset(0)
    assert detector.hear(tone[1])[0] == []
    assert detector.hear(tone[2])[0] == [DigitHeard(0, "1")]


def test_what_is_made_is_what_is_asked() -> None:
    assert len(make_digit("D", 0.1)) == 800
    assert len(make_digits("12", 0.05, 0.07)) == 2 * 960
    assert len(make_digits("")) == 0
    with pytest.raises(ValueError, match="not a digit"):
        make_digit("E")
