"""What payload types stand for, and G.722 and Opus where PyAV is there."""

from fractions import Fraction
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

from tests.counterparts.serving import unable
from tests.studio.streams import Arrival, Stage
from trunkline.listen import Kind, synthesis
from trunkline.media.rtp import Packet
from trunkline.studio.contract import Undecodable
from trunkline.studio.formats import Use, can_decode_wide, table_of


def test_names_come_from_the_description_and_for_static_types_from_the_standard() -> None:
    table = table_of({8: "pcmu", 96: "opus", 101: "telephone-event", 97: "x-new"})
    assert [table[number].use for number in (0, 8, 13, 101)] == [Use.LAW, Use.LAW, Use.NOISE, Use.SKIP]
    assert table[8].name == "PCMU"
    assert table[96].stride == 6
    assert (table[97].use, table[97].name) == (Use.NONE, "x-new")
    assert (table[50].use, table[50].name) == (Use.NONE, "50")


def wide(samples: np.ndarray, name: str) -> list[Arrival]:
    """Samples at 8 kHz as a stream of G.722 or Opus, by another use of the same library."""
    av: Any = import_module("av")
    rate, encoder, units, number = {"G722": (16_000, "g722", 160, 9), "OPUS": (48_000, "libopus", 960, 96)}[name]
    codec = av.CodecContext.create(encoder, "w")
    codec.sample_rate, codec.layout, codec.format, codec.time_base = rate, "mono", "s16", Fraction(1, rate)
    codec.bit_rate = 64_000
    times = np.arange(len(samples) * rate // 8000) * 8000 / rate
    fine = np.interp(times, np.arange(len(samples)), samples).astype(np.int16)
    arrivals = []
    size = rate // 50
    for at in range(0, len(fine) - size + 1, size):
        frame = av.AudioFrame.from_ndarray(fine[None, at : at + size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, at
        for packet in codec.encode(frame):
            count = len(arrivals)
            arrivals.append(Arrival((count + 1) * 0.02, Packet(number, count, count * units, 7, bytes(packet)).encode()))
    return arrivals


@pytest.mark.parametrize("name", ["G722", "OPUS"])
def test_wide_formats_are_heard(name: str) -> None:
    if find_spec("av") is None:
        unable("PyAV is not installed (pip install av)")
    stage = Stage()
    line = stage.open(formats={9: "G722", 96: "opus"}, country="us")
    audio = synthesis.pcm(synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 8.0))
    arrivals = wide(audio, name)
    broken = [Arrival(one.at, one.data[:14]) if at in (100, 101) else one for at, one in enumerate(arrivals)]
    stage.play(8.0, (line, broken))
    assert stage.heard(Kind.RINGBACK)[0].began_s == pytest.approx(0.0, abs=0.06)
    assert not stage.told_of(Undecodable)


@pytest.mark.parametrize("name", ["G722", "OPUS"])
def test_without_the_library_they_are_told_as_undecodable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline.studio.formats.find_spec", lambda name: None)
    can_decode_wide.cache_clear()
    stage = Stage()
    line = stage.open(formats={9: "G722", 96: "opus"})
    number = {"G722": 9, "OPUS": 96}[name]
    stage.play(2.0, (line, [Arrival(at * 0.02, Packet(number, at, at * 160, 7, bytes(40)).encode()) for at in range(100)]))
    assert stage.told == [Undecodable("c", 1, name)]
    can_decode_wide.cache_clear()
