"""How losses cluster: the bursts and gaps of RFC 3611 section 4.7.2."""

from msgspec import Struct

GAP_MINIMUM = 16
"Packets received in a row that end a burst (Gmin of RFC 3611)."


class Bursts(Struct, frozen=True, gc=False):
    """How losses clustered. A burst begins and ends with a loss and holds fewer than Gmin packets received in a row."""

    bursts: int
    burst_packets: int
    "Packets in all bursts, lost and received."
    burst_lost: int
    gap_packets: int
    "Packets outside bursts, lost and received."
    gap_lost: int
    loss_runs: int
    "Unbroken runs of lost packets, of whatever length."

    @property
    def burst_density(self) -> float:
        """Share of packets lost inside bursts."""
        return self.burst_lost / self.burst_packets if self.burst_packets else 0.0

    @property
    def gap_density(self) -> float:
        """Share of packets lost outside bursts."""
        return self.gap_lost / self.gap_packets if self.gap_packets else 0.0

    @property
    def mean_burst_packets(self) -> float:
        return self.burst_packets / self.bursts if self.bursts else 0.0

    @property
    def mean_gap_packets(self) -> float:
        """A stream starts and ends in a gap, so there is one gap more than bursts (RFC 3611 section 4.7.2)."""
        return self.gap_packets / (self.bursts + 1)


class BurstMeter:
    """Sorts losses, given in the order of their sequence numbers, into bursts and gaps."""

    __slots__ = ("_cluster_first", "_cluster_lost", "_last", "burst_lost", "burst_packets", "bursts", "loss_runs", "lost")

    def __init__(self) -> None:
        self.bursts = self.burst_packets = self.burst_lost = self.lost = self.loss_runs = 0
        self._last = -GAP_MINIMUM - 1
        self._cluster_first = 0
        self._cluster_lost = 0

    def lose(self, sequence: int) -> None:
        """Count the loss of one extended sequence number, larger than every one before."""
        self.lost += 1
        between = sequence - self._last - 1
        if between or self._cluster_lost == 0:
            self.loss_runs += 1
        if between >= GAP_MINIMUM or self._cluster_lost == 0:
            self._close()
            self._cluster_first, self._cluster_lost = sequence, 0
        self._cluster_lost += 1
        self._last = sequence

    def _close(self) -> None:
        if self._cluster_lost > 1:
            self.bursts += 1
            self.burst_packets += self._last - self._cluster_first + 1
            self.burst_lost += self._cluster_lost

    def result(self, expected: int, still_open: list[int]) -> Bursts:
        """What it comes to over `expected` packets if the losses still open are losses."""
        meter = BurstMeter()
        for name in self.__slots__:
            setattr(meter, name, getattr(self, name))
        for sequence in still_open:
            meter.lose(sequence)
        meter._close()
        gap_packets = expected - meter.burst_packets
        return Bursts(meter.bursts, meter.burst_packets, meter.burst_lost, gap_packets, meter.lost - meter.burst_lost, meter.loss_runs)
