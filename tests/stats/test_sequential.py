from math import exp

import numpy as np
import pytest
from scipy.special import betaln

from trunkline.stats import Evidence


def test_the_evidence_is_the_closed_form() -> None:
    evidence = Evidence(0.3, 1.0, 1.0)
    for success in (True, False, False, True, False):
        evidence.add(success)
    assert evidence.value() == pytest.approx(exp(betaln(3, 4) - betaln(1, 1)) / (0.3**2 * 0.7**3))


def test_a_true_rate_is_rarely_refuted_however_often_one_looks() -> None:
    random = np.random.default_rng(3)
    refuted = 0
    for _ in range(400):
        evidence = Evidence(0.3)
        for success in random.random(300) < 0.3:
            evidence.add(bool(success))
            if evidence.refuted(0.05):
                refuted += 1
                break
    assert refuted <= 400 * 0.05


def test_a_false_rate_is_refuted_soon() -> None:
    evidence = Evidence(0.3)
    for _ in range(20):
        evidence.add(False)
    assert evidence.refuted()


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_one_call_refutes_is_no_hypothesis(rate: float) -> None:
    with pytest.raises(ValueError, match="strictly"):
        Evidence(rate)
