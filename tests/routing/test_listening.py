import pytest

from trunkline.routing.listening import PRIOR, Listening


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
    assert share > 0.9
    assert labels <= 5


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
