from pathlib import Path

import pytest
import yaml

from trunkline.policy.document import Document
from trunkline.policy.reference import reference
from trunkline.policy.section import Section
from trunkline.policy.shape import section_in

PAGE = Path(__file__).parents[2] / "docs" / "policy.md"


def sections(section: type[Section] = Document) -> list[type[Section]]:
    found = [section]
    for known in section.model_fields.values():
        if inner := section_in(known.annotation):
            found += [each for each in sections(inner) if each not in found]
    return found


def test_the_page_says_what_the_models_say() -> None:
    assert PAGE.read_text("utf-8") == reference(), "write it anew: docs/policy.md is trunkline.policy.reference()"


@pytest.mark.parametrize("section", sections())
def test_every_key_has_a_meaning_and_an_example_that_is_accepted(section: type[Section]) -> None:
    assert section.__doc__
    assert all(known.description for known in section.model_fields.values())
    examples = {name: yaml.safe_load((known.examples or [""])[0]) for name, known in section.model_fields.items()}
    assert set(section.model_validate(examples).model_fields_set) == set(section.model_fields)
