"""RFC 4475: every message is treated as the RFC asks, or the table says why not."""

from pathlib import Path

import pytest

from .rfc4475 import JUDGEMENTS, MESSAGES, Judgement, judge, page


@pytest.mark.parametrize("judgement", JUDGEMENTS, ids=lambda judgement: judgement.name)
def test_a_torture_message_is_treated_as_the_table_says(judgement: Judgement) -> None:
    path = MESSAGES / f"{judgement.name}.dat"
    if not path.is_file():
        pytest.skip(f"RFC 4475's messages are not at {MESSAGES}: the table cannot be held against them here")
    assert judge(path.read_bytes()) == judgement.does.split()[0].rstrip(":")


def test_the_table_has_all_49_messages() -> None:
    assert len({judgement.name for judgement in JUDGEMENTS}) == 49


def test_the_published_table_is_up_to_date() -> None:
    published = Path(__file__).parents[2] / "compliance" / "README.md"
    assert published.read_text() == page(), "write compliance/README.md from tests/compliance/rfc4475.page()"
