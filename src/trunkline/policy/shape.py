"""The shape of the document's models: what may stand at a path. The reference and the explanations both read it."""

from types import NoneType
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from trunkline.policy.document import Document
from trunkline.policy.problem import Location
from trunkline.policy.section import Section


def parts(annotation: Any) -> tuple[Any, ...]:
    """Type arguments without Annotated's metadata and without None."""
    return tuple(part for part in get_args(annotation) if part is not NoneType)


def section_in(annotation: Any) -> type[Section] | None:
    """The section an annotation leads to: itself, or what a mapping, list or optional value holds."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    for part in reversed(parts(annotation)):
        if (found := section_in(part)) is not None:
            return found
    return None


def section_at(path: Location) -> type[Section] | None:
    """The section whose keys may stand at `path`, None where the document has no section."""
    section: type[Section] = Document
    in_mapping = False
    for part in path:
        if in_mapping or isinstance(part, int):
            in_mapping = False
            continue
        known = section.model_fields.get(part)
        inner = section_in(known.annotation) if known else None
        if known is None or inner is None:
            return None
        section, in_mapping = inner, is_mapping(known)
    return section


def is_mapping(known: FieldInfo) -> bool:
    """Whether the value is a mapping from free names."""
    return get_origin(known.annotation) is dict


def key_at(path: Location) -> FieldInfo | None:
    """The key a path ends with, when it is a known one."""
    section = section_at(path[:-1])
    return section.model_fields.get(str(path[-1])) if section and path else None
