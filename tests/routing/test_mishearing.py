import numpy as np
import pytest

from trunkline.routing.listening import Listening
from trunkline.routing.strategies.mishearing import Mishearing

VERDICTS = (0.5, 0.5, 0.0, 0.0)


def labelled(carrier: str, times: int, listening: Listening | None = None) -> Listening:
    listening = listening or Listening()
    for i in range(times):
        listening.label(carrier, "human", i % 10 != 0)
        listening.label(carrier, "machine", i % 10 == 0)
    return listening


def spread(listening: Listening, carrier: str) -> float:
    off = Mishearing().off(listening, [carrier], [VERDICTS], np.random.default_rng(1), 4000)
    return float(off.std())


def test_labels_take_the_doubt_away() -> None:
    assert spread(labelled("alpha", 400), "alpha") < 0.4 * spread(labelled("beta", 5), "alpha")


def test_it_is_not_off_on_average() -> None:
    off = Mishearing().off(labelled("alpha", 200), ["alpha"], [VERDICTS], np.random.default_rng(1), 20_000)
    assert float(off.mean()) == pytest.approx(0.0, abs=0.003)


def test_two_routes_of_a_carrier_share_the_doubt() -> None:
    off = Mishearing().off(labelled("alpha", 20), ["alpha", "alpha", "beta"], [VERDICTS] * 3, np.random.default_rng(1), 500)
    assert (off[:, 0] == off[:, 1]).all()
    assert (off[:, 0] != off[:, 2]).any()


def test_draws_are_kept_until_labels_come_but_in_another_order() -> None:
    mishearing, listening, generator = Mishearing(), labelled("alpha", 50), np.random.default_rng(1)
    first = mishearing.off(listening, ["alpha"], [VERDICTS], generator, 100)
    again = mishearing.off(listening, ["alpha"], [VERDICTS], generator, 100)
    assert sorted(first[:, 0]) == sorted(again[:, 0])
    assert list(first[:, 0]) != list(again[:, 0])
    labelled("alpha", 10, listening)
    assert sorted(mishearing.off(listening, ["alpha"], [VERDICTS], generator, 100)[:, 0]) != sorted(first[:, 0])
