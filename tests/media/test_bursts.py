from trunkline.media.bursts import BurstMeter, Bursts


def test_the_meter_takes_losses_one_by_one() -> None:
    meter = BurstMeter()
    for sequence in (10, 11, 40):
        meter.lose(sequence)
    bursts = meter.result(100, [])
    assert (bursts.bursts, bursts.burst_lost, bursts.gap_lost, bursts.loss_runs) == (1, 2, 1, 2)
    assert meter.result(100, [42]).bursts == 2, "what may still come counts as lost for now, and only for now"
    assert meter.result(100, []) == bursts


def test_densities_and_means_are_shares_and_packets() -> None:
    bursts = Bursts(bursts=2, burst_packets=40, burst_lost=10, gap_packets=960, gap_lost=6, loss_runs=9)
    assert (bursts.burst_density, bursts.gap_density) == (0.25, 6 / 960)
    assert (bursts.mean_burst_packets, bursts.mean_gap_packets) == (20.0, 320.0)
    assert Bursts(0, 0, 0, 0, 0, 0).burst_density == Bursts(0, 0, 0, 0, 0, 0).gap_density == 0.0
