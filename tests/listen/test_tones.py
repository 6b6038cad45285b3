"""Tones: what each must be heard as, and what must not be heard as one."""

import math

import numpy as np
import pytest

from tests.listen.lines import LAWS, Samples, Sent, a_law, hear, mu_law, send, voice
from tests.listen.sweep import Case, cases, heard
from trunkline.listen import Hearing, Kind, Phase, Reading, synthesis
from trunkline.listen.level import power_of
from trunkline.listen.plans import EQUAL_BUSY_AND_CONGESTION, GENERIC_SIT, PLANS, SIT_CODES, SITS, Plan, Signal, Sit
from trunkline.listen.tones import Tones

CADENCES = [plan for plan in PLANS if plan.kind in (Kind.RINGBACK, Kind.BUSY, Kind.CONGESTION)]
DTMF_LOW, DTMF_HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)


def plain(*parts: Samples) -> Sent:
    """A clean mu-law line with a little silence before and after."""
    wave = np.concatenate([synthesis.silence(0.3), *parts, synthesis.silence(1.0)])
    return send(wave, np.random.default_rng(0))


def one(line: Sent, country: str | None = None, answered: bool = False) -> list[Hearing]:
    """What is heard on a single line."""
    return hear([line], [Tones(1)], [country], [0] if answered else [])


@pytest.mark.parametrize("plan", CADENCES, ids=lambda plan: f"{plan.country}-{plan.kind}")
def test_every_countrys_tone_is_heard_as_what_it_means_there(plan: Plan) -> None:
    said = one(plain(synthesis.cadence(plan, 9.0)))
    assert said, "nothing heard"
    assert all(Reading(plan.country, plan.kind) in hearing.readings for hearing in said)
    assert {hearing.kind for hearing in one(plain(synthesis.cadence(plan, 9.0)), plan.country)} == {plan.kind}


def test_where_busy_and_congestion_sound_alike_there_is_only_busy() -> None:
    assert {"pl", "mx", "jp"} == EQUAL_BUSY_AND_CONGESTION
    for country in EQUAL_BUSY_AND_CONGESTION:
        first = one(plain(synthesis.cadence(synthesis.plan(country, Kind.BUSY), 6.0)), country)[0]
        assert (first.kind, first.countries, first.ambiguous) == (Kind.BUSY, (country,), False)


def test_a_beat_that_means_two_things_in_two_countries_is_busy_and_says_so() -> None:
    first = one(plain(synthesis.cadence(synthesis.plan("nl", Kind.CONGESTION), 6.0)))[0]
    assert first.kind is Kind.BUSY
    assert first.ambiguous
    assert {Reading("nl", Kind.CONGESTION), Reading("se", Kind.BUSY)} <= set(first.readings)


def test_the_country_called_decides_what_a_beat_means() -> None:
    line = plain(synthesis.cadence(synthesis.plan("nl", Kind.CONGESTION), 6.0))
    assert one(line, "nl")[0].kind is Kind.CONGESTION
    assert one(line, "se")[0].kind is Kind.BUSY


def test_ringback_is_said_in_the_first_pause_and_dated_from_its_first_sound() -> None:
    first = one(plain(synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 12.0)))[0]
    assert (first.kind, first.ended_s) == (Kind.RINGBACK, None)
    assert first.began_s == pytest.approx(0.3, abs=0.01)
    assert first.said_s == pytest.approx(0.3 + 2.0 + 1.0, abs=0.1)
    assert first.features["hz"] == pytest.approx(440, abs=41)
    assert first.features["level_dbm0"] == pytest.approx(-20, abs=0.5)


def test_ringback_that_was_joined_in_the_middle_is_dated_from_there() -> None:
    first = one(plain(synthesis.cadence(synthesis.plan("de", Kind.RINGBACK), 8.0, begin_s=0.4)))[0]
    assert first.kind is Kind.RINGBACK
    assert first.began_s == pytest.approx(0.3, abs=0.01) or first.began_s == pytest.approx(0.3 + 4.6, abs=0.01)


def test_ringback_that_stops_is_said_to_be_over() -> None:
    ring = synthesis.cadence(synthesis.plan("uk", Kind.RINGBACK), 7.0)
    begun, over = one(plain(ring, synthesis.silence(4.0)))
    assert (begun.kind, over.kind) == (Kind.RINGBACK, Kind.RINGBACK)
    assert over.began_s == begun.began_s
    assert over.ended_s == pytest.approx(0.3 + 6 + 1.0, abs=0.02)


def test_ringback_after_the_answer_is_of_the_answered_phase() -> None:
    ring = synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 8.0)
    said = one(plain(ring), answered=True)
    assert said[0].kind is Kind.RINGBACK
    assert said[0].phase is Phase.ANSWERED


def test_a_single_congestion_of_spain_is_not_first_said_to_be_busy() -> None:
    said = one(plain(synthesis.cadence(synthesis.plan("es", Kind.CONGESTION), 8.0)), "es")
    assert {hearing.kind for hearing in said} == {Kind.CONGESTION}


def test_a_continuous_tone_is_unobtainable_in_the_uk_and_dial_tone_in_japan() -> None:
    line = plain(synthesis.burst(Signal((400.0,)), 5.0))
    assert one(line, "uk")[0].kind is Kind.UNOBTAINABLE
    assert one(line, "jp")[0].kind is Kind.DIAL
    assert one(line)[0].ambiguous


@pytest.mark.parametrize("sit", [*SITS, GENERIC_SIT], ids=lambda sit: sit.code)
@pytest.mark.parametrize("law", LAWS)
def test_every_special_information_tone_spells_its_code(sit: Sit, law: str) -> None:
    rng = np.random.default_rng(0)
    lines = [
        send(np.concatenate([synthesis.silence(0.2), synthesis.sit(sit, level, offset), synthesis.silence(0.3)]), rng, "mu" if law == "mu" else "a")
        for level in (-40, -24, -9)
        for offset in (-10, 0, 10)
    ]
    said = hear(lines, [Tones(len(lines))])
    assert sorted(hearing.row for hearing in said) == list(range(len(lines)))
    assert {(hearing.kind, hearing.code) for hearing in said} == {(Kind.SIT, sit.code)}
    assert all(hearing.began_s == pytest.approx(0.2, abs=0.01) for hearing in said)


def test_there_are_eight_codes_and_the_generic_tone_is_none() -> None:
    assert SIT_CODES == ("IC", "VC", "RO'", "NC'", 'RO"', 'NC"', "IO", "FU")
    assert len({(sit.hz, sit.ms) for sit in SITS}) == len(SITS)


def test_three_tones_apart_or_falling_are_no_special_information_tone() -> None:
    rising = [synthesis.burst(Signal((hz,)), 0.33) for hz in (950.0, 1400.0, 1800.0)]
    apart = np.concatenate([part for tone in rising for part in (tone, synthesis.silence(0.2))])
    assert Kind.SIT not in {hearing.kind for hearing in one(plain(apart))}
    assert Kind.SIT not in {hearing.kind for hearing in one(plain(*rising[::-1]))}


@pytest.mark.parametrize(("modulated", "reversals", "code"), [(False, False, "ced"), (True, True, "ansam"), (True, False, "ansam"), (False, True, "ansam")])
def test_fax_answer_tones(modulated: bool, reversals: bool, code: str) -> None:
    begun, over = one(plain(synthesis.answer_tone(3.0, -12.0, 0.0, modulated, reversals)), answered=True)
    assert (begun.kind, begun.code, begun.ended_s) == (Kind.FAX, code, None)
    assert (over.kind, over.code) == (Kind.FAX, code)
    assert over.ended_s == pytest.approx(3.3, abs=0.02)
    assert begun.said_s - begun.began_s <= 1.7


def test_the_calling_tone_of_a_fax_is_said_once_and_is_no_beep() -> None:
    assert [hearing.kind for hearing in one(plain(synthesis.calling_tone(4)), answered=True)] == [Kind.CNG]


@pytest.mark.parametrize("hz", [400, 440, 620, 1000, 1400, 2000, 2800, 3400])
@pytest.mark.parametrize("ms", [70, 300, 1500])
def test_a_beep_after_a_greeting(hz: int, ms: int) -> None:
    greeting = voice(2.0, np.random.default_rng(5))
    (said,) = one(plain(greeting, synthesis.silence(0.4), synthesis.beep(hz, ms)), answered=True)
    assert said.kind is Kind.BEEP
    assert said.features["hz"] == pytest.approx(hz, abs=5)
    assert said.features["on_ms"] == pytest.approx(ms, abs=10)
    assert said.ended_s is not None
    assert said.said_s - said.ended_s <= 0.1


def test_a_tone_that_speech_follows_at_once_is_no_beep() -> None:
    rng = np.random.default_rng(6)
    assert one(plain(voice(1.0, rng), synthesis.beep(1000, 300), voice(2.0, rng)), answered=True) == []


def test_a_tone_in_the_band_of_ringback_is_no_beep_before_the_answer_nor_without_a_greeting() -> None:
    rng = np.random.default_rng(7)
    tone = synthesis.beep(425, 600)
    assert one(plain(voice(2.0, rng), synthesis.silence(0.4), tone)) == []
    assert one(plain(tone), answered=True) == []


def test_digits_are_no_beeps() -> None:
    parts = []
    for low in DTMF_LOW:
        for high in DTMF_HIGH:
            for twist_db in (-8, 0, 4):
                ratio = 10 ** (twist_db / 20)
                pair = synthesis.burst(Signal((float(low),)), 0.1, -12) * ratio + synthesis.burst(Signal((float(high),)), 0.1, -12)
                parts += [pair, synthesis.silence(0.12)]
    assert one(plain(*parts), answered=True) == []


def test_two_tones_are_no_beep_and_a_melody_is_none() -> None:
    assert one(plain(synthesis.burst(Signal((800.0, 1200.0)), 0.4)), answered=True) == []
    notes = [synthesis.beep(hz, 150) for hz in (660, 880, 1320, 990)]
    assert [hearing for hearing in one(plain(*notes), answered=True) if hearing.features["hz"] != pytest.approx(660, abs=5)] == []


def test_speech_like_sound_is_no_tone() -> None:
    """Sixteen lines of a minute and a half each, half of them answered."""
    rng = np.random.default_rng(8)
    lines = [send(voice(90.0, rng, float(rng.uniform(-35, -12))), rng, LAWS[i % 2], 0.05 * (i % 3 == 0)) for i in range(16)]
    assert hear(lines, [Tones(16)], None, range(8)) == []


def test_noise_and_silence_are_no_tones() -> None:
    rng = np.random.default_rng(9)
    lines = [send(np.zeros(8000 * 30), rng, law, 0.05, noise) for law in LAWS for noise in (None, -60.0, -45.0, -20.0)]
    assert hear(lines, [Tones(len(lines))]) == []


def test_the_sweep_is_heard_right_99_times_in_100() -> None:
    """Every tone at -40 to -9 dBm0, +-10 Hz, either law, 5 % of frames lost, comfort noise at 15 dB below or less. Seeded."""
    batch = list(cases(800, np.random.default_rng(2024)))
    wrong = [describe(case, said) for case, said in zip(batch, heard(batch), strict=True) if not case.heard_right(said)]
    assert len(wrong) <= len(batch) // 100, "\n".join(wrong)


def describe(case: Case, said: list[Hearing]) -> str:
    """A failed case, to be read."""
    return f"{case.name} ({case.conditions}): " + "; ".join(f"{hearing.kind} {hearing.code} {hearing.readings}" for hearing in said)


def test_the_judge_of_the_sweep_refuses_what_is_wrong() -> None:
    batch = list(cases(10, np.random.default_rng(3)))
    for case, said in zip(batch, heard(batch), strict=True):
        assert case.heard_right(said)
        assert not case.heard_right([])
        assert not case.heard_right([Hearing(0, Kind.SIT, 0.0, code="none"), *said])


@pytest.mark.parametrize("codec", [mu_law, a_law])
def test_the_model_of_companding_keeps_38_db_of_a_sine(codec: object) -> None:
    assert callable(codec)
    pcm = synthesis.pcm(synthesis.burst(Signal((1020.0,)), 1.0, -10.0))
    error = codec(pcm).astype(float) - pcm
    assert 36 < 10 * math.log10(np.square(pcm.astype(float)).mean() / np.square(error).mean()) < 42


def test_levels_are_what_they_say() -> None:
    for signal in (Signal((440.0,)), Signal((440.0, 480.0)), Signal((400.0,), 25.0)):
        assert np.square(synthesis.burst(signal, 2.0, -17.0)).mean() == pytest.approx(power_of(-17.0), rel=0.01)
    assert np.square(synthesis.answer_tone(3.0, -12.0, 0.0, True, True)).mean() == pytest.approx(power_of(-12.0), rel=0.01)
