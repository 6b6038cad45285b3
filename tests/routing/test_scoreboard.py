import pytest

from tests.routing.attempts import START_US, attempt
from trunkline.routing import Scoreboard
from trunkline.routing.cell import ANSWERED, ATTEMPTS, CENSORED, DELAYED, FAILED, HUMAN, LATER, SHORT
from trunkline.stats import Forgetting

NOW = START_US / 1e6


def read(board: Scoreboard, gateway: str = "alpha/main", band: str = "") -> list[float]:
    return board.segments["us", band][gateway].slow.read(NOW)


def test_later_positions_are_kept_apart() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", answered=True))
    board.apply(attempt("alpha/main", position=2))
    sums = read(board)
    assert sums[ATTEMPTS] == pytest.approx(1.0, rel=1e-3)
    assert sums[LATER] == pytest.approx(1.0)


def test_a_dialer_that_gave_up_before_alerting_says_nothing_about_the_route() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", outcome="caller", alerting_ms=None))
    assert read(board)[ATTEMPTS] == 0
    assert read(board)[CENSORED] == 1


def test_what_failed_for_our_own_sake_is_not_counted() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", outcome="ours"))
    board.apply(attempt("alpha/main", destination=""))
    assert not board.segments


def test_an_answer_without_ringing_has_no_delay_rather_than_none_at_all() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", answered=True, alerting_ms=None))
    assert read(board)[DELAYED] == 0
    assert board.segments["us", ""]["alpha/main"].delays.quantile(0.5) is None


@pytest.mark.parametrize(("talk_ms", "released_by", "short"), [(6000.0, "carrier", 1), (6001.0, "carrier", 0), (2000.0, "dialer", 0)])
def test_only_short_calls_the_callee_ended_judge_a_route(talk_ms: float, released_by: str, short: int) -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", answered=True, talk_ms=talk_ms, released_by=released_by))
    assert read(board)[SHORT] == short


def test_a_route_that_fails_is_told_from_a_callee_who_does_not_want() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", outcome="route", status=503))
    board.apply(attempt("alpha/main", status=486))
    assert read(board)[FAILED] == pytest.approx(1.0, rel=1e-3)
    assert read(board)[ATTEMPTS] == pytest.approx(2.0, rel=1e-3)


def test_bands_are_judged_apart() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", answered=True, band="morning"))
    board.apply(attempt("alpha/main", band="evening"))
    assert read(board, band="morning")[ANSWERED] == 1
    assert read(board, band="evening")[ANSWERED] == 0


def test_a_checkpoint_knows_what_the_fold_knew_when_it_was_taken() -> None:
    board = Scoreboard()
    for i in range(200):
        board.apply(attempt(f"{'alpha' if i % 3 else 'beta'}/main", at_s=i, answered=i % 4 == 0, heard="human" if i % 8 == 0 else "", labelled="human"))
    pieces = board.dump()
    expected = {name: cell.slow.read(NOW + 500) for name, cell in board.segments["us", ""].items()}
    board.apply(attempt("alpha/main", at_s=300, answered=True))
    again = Scoreboard()
    again.load(list(pieces))
    assert {name: cell.slow.read(NOW + 500) for name, cell in again.segments["us", ""].items()} == {
        name: pytest.approx(sums) for name, sums in expected.items()
    }
    assert again.listening.humans_behind("alpha") == pytest.approx(board.listening.humans_behind("alpha"))


def test_a_restart_from_checkpoint_and_tail_equals_a_rebuild_from_all_facts() -> None:
    facts = [attempt("alpha/main", at_s=7.0 * i, answered=i % 3 == 0, heard="human" if i % 6 == 0 else "machine") for i in range(120)]
    rebuilt, before, restarted = Scoreboard(), Scoreboard(), Scoreboard()
    for fact in facts:
        rebuilt.apply(fact)
    for fact in facts[:70]:
        before.apply(fact)
    restarted.load(list(before.dump()))
    for fact in facts[70:]:
        restarted.apply(fact)
    assert read(restarted) == pytest.approx(read(rebuilt))
    assert read(rebuilt)[HUMAN] > 0


def test_a_checkpoint_that_cannot_be_read_leaves_nothing_behind() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main"))
    pieces = list(board.dump())
    with pytest.raises(ValueError, match="Expected"):
        board.load([pieces[0], b"\x91\x01"])
    assert not board.segments


def test_half_lives_are_the_destinations_own() -> None:
    board = Scoreboard()
    board.remember("us", 100.0, 1_000_000)
    board.apply(attempt("alpha/main"))
    slow: Forgetting = board.segments["us", ""]["alpha/main"].slow
    assert slow.read(NOW + 100)[ATTEMPTS] == pytest.approx(0.5)


def test_a_route_is_known_by_what_is_heard_before_its_answers() -> None:
    board = Scoreboard()
    for early in ("ringback", "ringback", "ringback", "announcement", "voicemail", "sit 1", "no_audio", ""):
        board.apply(attempt("alpha/main", early_heard=early))
    profile = board.segments["us", ""]["alpha/main"].early_media()
    assert profile == pytest.approx({"ringback": 3 / 7, "voice": 2 / 7, "tone": 1 / 7, "silence": 1 / 7}, abs=1e-3)
    restored = Scoreboard()
    restored.load(list(board.dump()))
    assert restored.segments["us", ""]["alpha/main"].early_media() == profile


def test_nothing_is_said_of_early_media_nobody_listened_to() -> None:
    board = Scoreboard()
    board.apply(attempt("alpha/main", answered=True))
    assert board.segments["us", ""]["alpha/main"].early_media() == {}
