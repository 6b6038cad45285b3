"""A dialer and a carrier that talk by RTP over loopback, without a node, heard on the dialer's side."""

import os

import pytest
from tests.lab.hearing import Played, play, talking

from trunkline.lab.scenario import CarrierBehaviour, Failure
from trunkline.lab.voices import SIT_KINDS

pytestmark = pytest.mark.sockets

CALLEES = ("human", "assistant", "voicemail", "announcement", "fax", "silence", "no-rtp", "custom-ringback")


def shares(*kinds: str) -> dict[str, float]:
    return dict.fromkeys(kinds, 1 / len(kinds))


@pytest.fixture(scope="module")
def answered() -> Played:
    return play(talking(callees=shares(*CALLEES), talk_s=(9.0, 9.0), hangs_up_share=1.0), 40, 40.0)


def test_every_callee_is_what_the_carrier_says_it_played(answered: Played) -> None:
    seen, humans = set(), 0
    for truth in answered.carrier.truths:
        assert truth.status == 200
        kinds = {str(hearing.kind) for hearing in answered.heard[answered.rows[truth.call_id]]}
        tones = answered.tones(truth.call_id)
        if truth.callee == "voicemail":
            assert tones == ["beep"]
        elif truth.callee == "fax":
            assert tones in (["fax ced"], ["fax ansam"])
        else:
            assert tones == []
        if truth.callee == "silence":
            assert "silence" in kinds
            assert "no_audio" not in kinds
        assert ("no_audio" in kinds) == (truth.callee == "no-rtp")
        assert "human" not in kinds or truth.callee == "human"
        humans += "human" in kinds
        seen.add(truth.callee)
    assert seen == set(CALLEES)
    # The verdict on a voice is a matter of shares, with bounds of its own in tests/listen; here the right voices came through.
    assert humans > 0.5 * answered.carrier.truths.answered()["human"] > 1


def test_the_truths_count_every_call(answered: Played) -> None:
    counted = answered.carrier.truths.answered()
    assert counted.total() == answered.dialer.told[200] == len(answered.carrier.truths) == 40
    assert answered.carrier.truths.early() == {}


def test_both_sides_send_and_nothing_is_lost_or_strange(answered: Played) -> None:
    carrier, dialer = answered.carrier.audio, answered.dialer.audio
    assert dialer["packets lost"] == carrier["packets lost"] == dialer["packets of strangers"] == carrier["packets of strangers"] == 0
    # What one side has sent last is on its way when the other hangs up: a packet or two a call.
    assert 0 <= carrier["packets sent"] - dialer["packets received"] <= 80
    assert 0 <= dialer["packets sent"] - carrier["packets received"] <= 80
    assert dialer["packets sent"] > 40 * 400
    assert answered.left_open == 0


def test_false_answers_are_ringback_and_silence_after_the_answer_and_last() -> None:
    behaviour = talking(false_answer_share=0.7, false_answers={"ringback": 0.6, "silence": 0.4}, callees={"human": 1.0}, answer_share=0.0, hangs_up_share=1.0, talk_s=(0.1, 0.2))
    played = play(behaviour, 20, 13.0, ring_limit_s=2.0)
    false = [truth for truth in played.carrier.truths if truth.false_answer]
    assert 8 < len(false) == played.dialer.told[200]
    assert played.dialer.told[487] == 20 - len(false)
    assert played.carrier.counts["hung up"] == 0
    for truth in false:
        heard = played.heard[played.rows[truth.call_id]]
        lasted = played.last[played.rows[truth.call_id]][0] - played.first[played.rows[truth.call_id]][0]
        assert not truth.human
        assert played.tones(truth.call_id) == (["ringback"] if truth.callee == "ringback" and lasted > 2.5 else [])
        assert {hearing.phase for hearing in heard if hearing.kind == "ringback"} <= {"answered"}
    assert {truth.callee for truth in false} == {"ringback", "silence"}
    assert set(played.carrier.truths.answered()) == {"false-ringback", "false-silence"}


def test_early_media_is_heard_before_the_answer() -> None:
    kinds = ("ringback", "custom-ringback", "announcement", "silence", "no-rtp", "busy")
    behaviour = talking(answer_share=0.0, early_media="183+sdp only", early_audio=shares(*kinds), country="de")
    played = play(behaviour, 24, 1.0, ring_limit_s=5.0)
    assert played.dialer.told == {487: 24}
    for truth in played.carrier.truths:
        heard = played.heard[played.rows[truth.call_id]]
        assert played.tones(truth.call_id) == ([truth.early] if truth.early in ("ringback", "busy") else [])
        assert all(hearing.phase == "early" for hearing in heard)
        assert (played.rows[truth.call_id] in played.first) == (truth.early != "no-rtp")
    assert set(played.carrier.truths.early()) == set(kinds)
    assert played.carrier.truths.answered() == {}


def test_a_failure_says_why_by_sit_and_then_refuses() -> None:
    failures = tuple(Failure(share=1 / len(SIT_KINDS), status=503, early=kind, early_s=2.5) for kind in SIT_KINDS)
    played = play(CarrierBehaviour(setup_ms=(20, 40), failures=failures), 40, 1.0)
    assert played.dialer.told == {503: 40}
    for truth in played.carrier.truths:
        assert played.tones(truth.call_id) == [f"sit {SIT_KINDS[truth.early].code}"]
        assert truth.status == 503
    assert len(played.carrier.truths.early()) > 5
    assert played.left_open == 0


def test_fifty_calls_at_once_are_paced_cheap_and_leave_no_socket() -> None:
    before = len(os.listdir("/proc/self/fd"))
    played = play(talking(callees={"voicemail": 1.0}, talk_s=(5.0, 5.5), hangs_up_share=1.0), 50, 30.0, rate=200.0, listens=False)
    assert played.most_open == 100
    assert played.left_open == 0
    assert len(os.listdir("/proc/self/fd")) == before
    for row, (began, first) in played.first.items():
        ended, last = played.last[row]
        assert ended - began > 4
        assert (last - first) / (ended - began) == pytest.approx(50, rel=0.02)
    assert len(played.first) == 50
    # Both ends of all calls; a third of this where nobody disturbs.
    assert played.cpu_s / played.lasted_s < 0.6


def test_a_carrier_without_audio_in_its_scenario_opens_no_socket() -> None:
    played = play(talking(), 5, 0.5, listens=False)
    assert played.most_open == 5, "only the dialer's lines"
    assert len(played.carrier.truths) == 0
    assert played.dialer.told == {200: 5}
