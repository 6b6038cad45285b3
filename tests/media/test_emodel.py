import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.emodel import CodecQuality, Estimate, NoEstimate, delay_impairment, effective_impairment, estimate, mos, quality_of


@pytest.mark.parametrize(
    ("codec", "concealed", "loss", "impairment", "score"),
    [
        ("PCMU", True, 1, 3.64, 4.33),
        ("PCMA", True, 2, 7.01, 4.23),
        ("PCMA", True, 4, 13.06, 4.03),
        ("PCMA", True, 8, 22.96, 3.61),
        ("PCMU", False, 1, 17.92, 3.83),
        ("PCMU", False, 2, 30.16, 3.26),
        ("G729", True, 0, 11.0, 4.10),
        ("G729", True, 1, 15.2, 3.95),
        ("G729", True, 2, 19.0, 3.79),
        ("G729", True, 4, 25.6, 3.48),
        ("g729", False, 8, 35.9, 2.96),
    ],
)
def test_loss_impairs_as_g113_plans(codec: str, concealed: bool, loss: int, impairment: float, score: float) -> None:
    rated = estimate(quality_of(codec, concealed=concealed), loss / 100)
    assert isinstance(rated, Estimate)
    assert rated.loss_impairment == pytest.approx(impairment, abs=0.05)
    assert rated.mos == pytest.approx(score, abs=0.006)


@pytest.mark.parametrize(("loss", "published"), [(1, 15), (2, 19), (4, 26), (8, 36)])
def test_g729a_meets_the_points_that_g113_publishes(loss: int, published: int) -> None:
    assert round(effective_impairment(11.0, 19.0, loss / 100)) == published


@pytest.mark.parametrize(("delay_ms", "impairment"), [(0, 0), (100, 0), (150, 0.16), (200, 3.04), (250, 8.92), (300, 14.76), (400, 24.07)])
def test_delay_impairs_beyond_100_ms(delay_ms: int, impairment: float) -> None:
    assert delay_impairment(delay_ms / 1000) == pytest.approx(impairment, abs=0.005)


@pytest.mark.parametrize(("r", "score"), [(93.2, 4.41), (80, 4.02), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1.0), (-5, 1.0), (100, 4.5), (120, 4.5)])
def test_ratings_as_opinion_scores(r: float, score: float) -> None:
    assert mos(r) == pytest.approx(score, abs=0.005)


def test_delay_and_loss_add_up() -> None:
    rated = estimate(quality_of("PCMA"), 0.02, 0.2)
    assert isinstance(rated, Estimate)
    assert rated.r == pytest.approx(93.2 - 7.01 - 3.04, abs=0.01)


def test_the_same_loss_in_bursts_is_worse() -> None:
    scattered = estimate(quality_of("PCMA"), 0.04)
    bursts = estimate(quality_of("PCMA"), 0.04, burst_ratio=2.0)
    assert isinstance(scattered, Estimate)
    assert isinstance(bursts, Estimate)
    assert bursts.loss_impairment == pytest.approx(95 * 4 / (2 + 25.1))
    assert bursts.mos < scattered.mos


@pytest.mark.parametrize(
    ("codec", "reason"),
    [
        ("opus", "no agreed values on the narrowband scale"),
        ("G722", "no agreed values on the narrowband scale"),
        ("GSM", "codec without published values"),
        ("", "codec without published values"),
    ],
)
def test_without_published_values_there_is_no_estimate(codec: str, reason: str) -> None:
    assert estimate(quality_of(codec), 0.01) == NoEstimate(reason)


def test_without_published_robustness_only_a_stream_without_loss_is_rated() -> None:
    for quality in (quality_of("G726-32"), quality_of("G723", fmtp="annexa=no; bitrate = 5.3")):
        assert isinstance(quality, CodecQuality)
        assert isinstance(estimate(quality, 0.0), Estimate)
        assert estimate(quality, 0.01) == NoEstimate("no published robustness to loss")
    assert isinstance(estimate(quality_of("G723"), 0.01), Estimate)


@pytest.mark.parametrize(("loss", "delay_s", "burst_ratio"), [(-0.1, 0, 1), (1.1, 0, 1), (0, -1, 1), (0, 0, 0), (float("nan"), 0, 1), (0, float("inf"), 1)])
def test_an_impossible_measurement_is_not_rated(loss: float, delay_s: float, burst_ratio: float) -> None:
    assert estimate(quality_of("PCMA"), loss, delay_s, burst_ratio) == NoEstimate("measurement out of range")


@given(st.sampled_from(["PCMU", "G729", "GSM-EFR"]), st.floats(0, 1), st.floats(0, 10), st.floats(1, 10), st.floats(0, 0.2))
def test_more_loss_and_more_delay_never_help(codec: str, loss: float, delay_s: float, burst_ratio: float, more: float) -> None:
    before = estimate(quality_of(codec), loss, delay_s, burst_ratio)
    after = estimate(quality_of(codec), min(1.0, loss + more), delay_s + more, burst_ratio)
    assert isinstance(before, Estimate)
    assert isinstance(after, Estimate)
    assert 0 <= after.r <= before.r <= 93.2
    assert 1.0 <= after.mos <= before.mos + 1e-3 <= 4.5, "flat, not falling, where the cubic dips below 1"
