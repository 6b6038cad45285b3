"""Before the answer: announcements and mailboxes are told for what they are; music, ringing, tones and noise are not."""

from pathlib import Path

import numpy as np
import pytest

import trunkline.lab.prompts
from tests.listen.lines import LAWS, Law, Samples, Sent, hear, send
from trunkline.lab.music import jingle
from trunkline.listen import Bank, Hearing, Kind, Phase, synthesis
from trunkline.listen.early import Early, EarlyWeights, shipped
from trunkline.listen.level import power_of
from trunkline.listen.plans import PLANS, SITS, Plan
from trunkline.listen.tones import Tones
from trunkline.media.g711 import MU_LAW

PROMPTS = Path(trunkline.lab.prompts.__file__).parent
ANNOUNCEMENTS = sorted(path.stem for path in PROMPTS.glob("announcement-*.ulaw"))
GREETINGS = sorted(path.stem for path in PROMPTS.glob("voicemail-*.ulaw"))


def spoken(name: str, dbm0: float = -20.0) -> Samples:
    wave = MU_LAW.decode_bytes((PROMPTS / f"{name}.ulaw").read_bytes()).astype(np.float64) / 32768
    loud = wave[np.abs(wave) > 0.02 * np.abs(wave).max()]
    return np.asarray(wave * np.sqrt(power_of(dbm0) / np.mean(np.square(loud))))


def line(*parts: Samples, law: Law = "mu", loss: float = 0.0, noise_dbm0: float = -65.0, seed: int = 1) -> Sent:
    return send(np.concatenate(parts), np.random.default_rng(seed), law, loss, noise_dbm0)


def said(*lines: Sent) -> list[list[Hearing]]:
    rows: list[list[Hearing]] = [[] for _ in lines]
    for hearing in hear(lines, [Tones(len(lines)), Early(len(lines))]):
        rows[hearing.row].append(hearing)
    return rows


def kinds(heard: list[Hearing]) -> set[Kind]:
    return {hearing.kind for hearing in heard}


def repeated(name: str, dbm0: float = -20.0) -> Samples:
    return np.concatenate([synthesis.silence(0.3), spoken(name, dbm0), synthesis.silence(1.5), spoken(name, dbm0), synthesis.silence(0.5)])


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("dbm0", [-10.0, -25.0, -40.0])
def test_an_announcement_is_told_at_any_level_through_either_law_and_over_losses(law: Law, dbm0: float) -> None:
    for heard in said(*(line(repeated(name, dbm0), law=law, loss=0.05, noise_dbm0=min(dbm0 - 20, -48), seed=seed) for seed, name in enumerate(ANNOUNCEMENTS))):
        assert kinds(heard) == {Kind.ANNOUNCEMENT}
        assert heard[0].ended_s is None
        assert heard[0].said_s < 6.0
        if dbm0 > -40.0:
            assert heard[0].began_s == pytest.approx(0.3, abs=0.25)


def test_an_announcement_ends_once_nothing_more_is_said() -> None:
    wave = spoken(ANNOUNCEMENTS[0])
    (heard,) = said(line(synthesis.silence(0.3), wave, wave, synthesis.silence(6.0)))
    first, last = heard
    assert (first.kind, last.kind, last.code) == (Kind.ANNOUNCEMENT, Kind.ANNOUNCEMENT, "")
    assert last.began_s == first.began_s
    assert last.ended_s == pytest.approx(0.3 + 2 * wave.size / 8000, abs=0.3)


def test_an_announcement_after_ringing_begins_where_ringing_ends() -> None:
    ringing = synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 8.0)
    (heard,) = said(line(ringing, repeated(ANNOUNCEMENTS[0])))
    announced = [hearing for hearing in heard if hearing.kind is Kind.ANNOUNCEMENT]
    assert announced[0].began_s == pytest.approx(8.3, abs=0.4)
    assert Kind.RINGBACK in kinds(heard)


def test_ringing_ends_an_announcement() -> None:
    ringing = synthesis.cadence(synthesis.plan("de", Kind.RINGBACK), 12.0)
    (heard,) = said(line(repeated(ANNOUNCEMENTS[0])[:-4000], ringing))
    told = [(hearing.kind, hearing.ended_s is not None) for hearing in heard]
    assert told.index((Kind.ANNOUNCEMENT, True)) > told.index((Kind.ANNOUNCEMENT, False))


@pytest.mark.parametrize("greeting", GREETINGS)
def test_a_greeting_before_a_beep_is_a_mailbox(greeting: str) -> None:
    wave = spoken(greeting)
    twice = [wave] * (2 if wave.size < 24_000 else 1)
    (heard,) = said(line(synthesis.silence(0.3), *twice, synthesis.silence(0.5), synthesis.beep(1000.0, 300.0), synthesis.silence(1.0)))
    mailbox = [hearing for hearing in heard if hearing.kind is Kind.MACHINE]
    assert [(hearing.code, hearing.phase) for hearing in mailbox] == [("revised", Phase.EARLY)]
    assert mailbox[0].ended_s == pytest.approx(0.3 + len(twice) * wave.size / 8000, abs=0.3)


def test_a_beep_with_nobody_speaking_is_no_mailbox() -> None:
    (heard,) = said(line(synthesis.silence(2.0), synthesis.beep(1000.0, 300.0), synthesis.silence(2.0)))
    assert Kind.MACHINE not in kinds(heard)


def test_music_in_place_of_ringing_is_music() -> None:
    scale = np.sqrt(power_of(-35.0) / power_of(-20.0))
    for heard in said(line(jingle(), jingle()), line(scale * jingle(), scale * jingle(), law="a", loss=0.05)):
        assert kinds(heard) - {Kind.BEEP} == {Kind.MUSIC}
        assert heard[0].began_s < 0.5


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: f"{plan.country}-{plan.kind}")
def test_no_tone_of_any_country_is_a_voice_or_music(plan: Plan) -> None:
    waves = [synthesis.cadence(plan, 12.0, dbm0, offset, 0.7) for dbm0, offset in ((-10.0, 6.0), (-25.0, 0.0), (-38.0, -6.0))]
    for heard in said(*(line(wave, law=law, loss=0.05, noise_dbm0=-58.0) for wave, law in zip(waves, (*LAWS, "mu"), strict=True))):
        assert not kinds(heard) & {Kind.ANNOUNCEMENT, Kind.MACHINE, Kind.MUSIC}


def test_neither_special_information_nor_fax_nor_noise_is_a_voice_or_music() -> None:
    sits = np.concatenate([part for sit in SITS for part in (synthesis.sit(sit), synthesis.silence(0.7))])
    waves = [sits, np.concatenate([synthesis.answer_tone(3.3, modulated=True, reversals=True), synthesis.silence(4.0)]), synthesis.silence(12.0)]
    lines = [line(wave, noise_dbm0=-50.0) for wave in waves] + [line(synthesis.silence(12.0), noise_dbm0=dbm0) for dbm0 in (-62.0, -45.0, -38.0)]
    for heard in said(*lines):
        assert not kinds(heard) & {Kind.ANNOUNCEMENT, Kind.MACHINE, Kind.MUSIC}


def test_at_the_answer_an_announcement_is_over_and_nothing_more_is_judged() -> None:
    wave = repeated(ANNOUNCEMENTS[0])
    sent = line(wave, wave)
    bank = Bank(1, [Early(1)])
    bank.open(0)
    heard: list[Hearing] = []
    for tick, frame in enumerate(sent.frames):
        if tick == 250:
            bank.answer(0, 5.0)
        heard += bank.push(frame[None], np.ones(1, np.bool_), (tick + 1) * 0.02)
    first, last = heard
    assert (first.kind, last.kind) == (Kind.ANNOUNCEMENT, Kind.ANNOUNCEMENT)
    assert (last.ended_s, last.phase) == (5.0, Phase.EARLY)


def test_what_is_said_of_a_line_does_not_depend_on_the_others() -> None:
    alone = said(line(repeated(ANNOUNCEMENTS[0])))[0]
    among = said(line(jingle(), jingle()), line(synthesis.silence(9.0)), line(repeated(ANNOUNCEMENTS[0])), line(repeated(ANNOUNCEMENTS[1])))[2]
    assert [(hearing.kind, hearing.began_s, hearing.said_s) for hearing in among if hearing.ended_s is None] == [(hearing.kind, hearing.began_s, hearing.said_s) for hearing in alone]


def test_a_line_begins_anew_on_a_row_that_was_used() -> None:
    detector = Early(1)
    here, rows = np.ones(1, np.bool_), np.zeros(1, np.intp)
    frames = (line(repeated(ANNOUNCEMENTS[0])).frames / 32768).astype(np.float32)
    detector.open(rows)
    for tick, frame in enumerate(frames):
        detector.push(frame[None], here, (tick + 1) * 0.02)
    detector.open(rows)
    assert not any(detector.push(np.zeros((1, 160), np.float32), here, 20 + tick * 0.02) for tick in range(400))


def test_weights_for_other_features_are_refused() -> None:
    weights = shipped()
    with pytest.raises(ValueError, match="wants"):
        Early(1, EarlyWeights(weights.features[:-1], weights.weights, weights.bias, ""))
