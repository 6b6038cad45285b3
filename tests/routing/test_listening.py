import pytest

from tests.routing.attempts import START_US, attempt
from trunkline.facts.record import AnswerLabelled
from trunkline.routing.cell import HUMAN, MACHINE, UNKNOWN
from trunkline.routing.listening import PRIOR, Listening
from trunkline.routing.scoreboard import Scoreboard


def test_without_labels_the_ear_is_believed() -> None:
    human, machine, unknown, false = Listening().humans_behind("alpha")
    assert (human, machine, unknown, false) == pytest.approx(tuple(PRIOR.values()))


def test_labels_show_a_carrier_on_which_humans_are_taken_for_machines() -> None:
    listening = Listening()
    for i in range(300):
        listening.label("alpha", "machine", i % 3 == 0)
        listening.label("beta", "machine", False)
    assert listening.humans_behind("alpha")[1] == pytest.approx(1 / 3, abs=0.03)
    assert listening.humans_behind("beta")[1] < 0.02


def test_a_carrier_without_labels_leans_on_the_others_but_is_worth_little() -> None:
    listening = Listening()
    for _ in range(300):
        listening.label("alpha", "machine", True)
    share, labels = listening.behind("beta")[1]
    assert 0.4 < share < 0.6  # one carrier, however often it was labelled, is not everybody
    assert labels <= 5
    for carrier in ("gamma", "delta", "epsilon", "zeta"):
        for _ in range(300):
            listening.label(carrier, "machine", True)
    assert listening.behind("beta")[1][0] > 0.8


def test_an_old_mistake_is_forgotten() -> None:
    listening = Listening()
    for _ in range(500):
        listening.label("alpha", "machine", True)
    for _ in range(5000):
        listening.label("alpha", "machine", False)
    assert listening.humans_behind("alpha")[1] < 0.02


def test_a_verdict_nobody_gives_is_ignored() -> None:
    listening = Listening()
    listening.label("alpha", "", True)
    assert listening.labels() == 0


def test_a_label_finds_the_answer_it_is_about_before_or_after_the_attempt_is_on_record() -> None:
    for labelled_first in (True, False):
        board = Scoreboard()
        for i in range(60):
            call = f"c{i}"
            facts = [attempt("alpha/main", answered=True, heard="announcement", call=call), AnswerLabelled(call, START_US, "human", "agent")]
            for fact in reversed(facts) if labelled_first else facts:
                board.apply(fact)
        assert board.listening.humans_behind("alpha")[1] > 0.7
        again = Scoreboard()
        again.load(list(board.dump()))
        assert again.listening.behind("alpha") == board.listening.behind("alpha")


def test_answers_waiting_for_a_label_are_bounded() -> None:
    listening = Listening()
    for i in range(10_000):
        listening.answered(f"c{i}", "alpha", "human")
    listening.labelled("c0", "human")
    assert listening.labels() == 0
    listening.labelled("c9999", "human")
    assert listening.labels() == 1


@pytest.mark.parametrize(("heard", "sound"), [("human", True), ("announcement", False), ("fax", False), ("machine", False), ("assistant", True)])
def test_every_word_of_the_ear_counts(heard: str, sound: bool) -> None:
    board = Scoreboard()
    for i in range(50):
        board.apply(attempt("alpha/main", at_s=i, answered=True, heard=heard))
    sums = board.segments["us", ""]["alpha/main"].slow.sums
    assert (sums[HUMAN] + sums[UNKNOWN] > 0) is sound
    assert (sums[MACHINE] > 0) is not sound
