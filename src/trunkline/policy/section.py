"""What every section of the policy document has in common."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A mapping with known keys; an unknown one is an error, because a misspelt limit is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def key(default: Any = ..., *, example: str) -> Any:
    """A key of a section: its default (none: it must be written) and an example, as YAML."""
    return Field(default, examples=[example])
