"""Drawing a call: who said what to whom, readable at 100 columns and when piped."""

from hypothesis import given
from hypothesis import strategies as st

from tests.records.samples import NOON_US, a_call
from trunkline.cli.ladder import draw
from trunkline.facts.record import Ladder, LadderRow

TWO_CARRIERS = Ladder(
    "two",
    NOON_US,
    ("dialer-1", "north-1", "south-1"),
    [
        LadderRow(0.0, 0, False, "INVITE sip:+14155550123@192.0.2.1", "1 INVITE", ""),
        LadderRow(0.4, 1, True, "INVITE sip:+14155550123@198.51.100.7", "1 INVITE", ""),
        LadderRow(500.4, 1, True, "INVITE sip:+14155550123@198.51.100.7", "1 INVITE", "retransmission"),
        LadderRow(531.0, 1, False, "503 Service Unavailable", "1 INVITE", 'Q.850;cause=34;text="no circuit available"'),
        LadderRow(531.1, 1, True, "ACK sip:+14155550123@198.51.100.7", "1 ACK", ""),
        LadderRow(531.2, 2, True, "INVITE sip:+14155550123@203.0.113.1", "1 INVITE", ""),
        LadderRow(812.4, 2, False, "183 Session Progress", "1 INVITE", ""),
        LadderRow(4020.2, 0, False, "CANCEL sip:+14155550123@192.0.2.1", "1 CANCEL", ""),
        LadderRow(4020.3, 0, True, "200 OK", "1 CANCEL", ""),
    ],
)

DRAWN = """\
Call two, began 2026-03-01 12:00:00.000 UTC

       ms      dialer-1        trunkline        north-1         south-1
      0.0          |--- INVITE --->|               |               |
      0.4          |               |--- INVITE --->|               |
    500.4          |               |--- INVITE --->|               |  retransmission
    531.0          |               |<---- 503 -----|               |  Q.850;cause=34;text="no
                   |               |               |               |  circuit available"
    531.1          |               |---- ACK ----->|               |
    531.2          |               |---- INVITE +14155550123 ----->|
    812.4          |               |<---- 183 Session Progress ----|
                   :               :               :               :  (3208 ms)
   4020.2          |--- CANCEL --->|               |               |
   4020.3          |<- 200 CANCEL -|               |               |"""


def a_ladder(*rows: LadderRow, legs: tuple[str, ...] = ("dialer-1", "north-1")) -> Ladder:
    return Ladder("one", NOON_US, legs, list(rows))


def test_both_legs_and_every_gateway_stand_side_by_side() -> None:
    assert draw(TWO_CARRIERS, 100) == DRAWN


def test_reasons_go_below_the_arrow_where_there_is_no_room_beside_it() -> None:
    lines = draw(TWO_CARRIERS, 74).splitlines()
    at = next(index for index, line in enumerate(lines) if "503" in line)
    assert lines[at + 1].strip() == 'Q.850;cause=34;text="no circuit available"'


def test_too_narrow_for_columns_it_becomes_a_list() -> None:
    text = draw(TWO_CARRIERS, 60)
    assert "    531.2  trunkline -> south-1: INVITE +14155550123" in text
    assert "   4020.3  trunkline -> dialer-1: 200 OK (CANCEL)" in text


def test_two_attempts_over_one_gateway_share_its_column() -> None:
    rows = [LadderRow(float(leg), leg, True, "INVITE sip:1@a", "1 INVITE", "") for leg in (1, 2)]
    heading = draw(a_ladder(*rows, legs=("dialer-1", "north-1", "north-1"))).splitlines()[2]
    assert heading.split() == ["ms", "dialer-1", "trunkline", "north-1"]


def test_a_gateway_named_like_a_trunk_has_a_column_of_its_own() -> None:
    row = LadderRow(0.0, 1, True, "INVITE sip:1@a", "1 INVITE", "")
    lines = draw(a_ladder(row, legs=("same", "same"))).splitlines()
    assert lines[2].split() == ["ms", "same", "trunkline", "same"]
    assert lines[3].index("|-") > lines[2].index("trunkline")


def test_the_answer_to_a_bye_says_so() -> None:
    assert "200 OK (BYE)" in draw(a_call("one")[-1])  # type: ignore[arg-type]


def test_a_ladder_without_messages_is_its_title_and_parties() -> None:
    assert len(draw(a_ladder()).splitlines()) == 3


wire = st.text(max_size=60)
rows = st.builds(
    LadderRow,
    ms=st.floats(0, 1e7),
    leg=st.integers(0, 9),
    sent=st.booleans(),
    text=wire | st.sampled_from(["INVITE sip:+14155550123@192.0.2.1", "486 Busy Here", "200 OK"]),
    cseq=wire | st.sampled_from(["1 INVITE", "2 BYE"]),
    note=wire,
)


@given(legs=st.lists(wire, max_size=6), messages=st.lists(rows, max_size=12), width=st.integers(40, 200))
def test_whatever_the_wire_said_is_drawn_within_the_width_and_steers_no_terminal(
    legs: list[str], messages: list[LadderRow], width: int
) -> None:
    text = draw(Ladder("one", NOON_US, tuple(legs), messages), width)
    assert all(line.isprintable() for line in text.split("\n"))
    assert max(map(len, text.split("\n")[1:])) <= width
