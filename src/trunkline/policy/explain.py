"""Model errors in the words of the person who wrote the policy: what is wrong, and what to write instead."""

from collections.abc import Callable, Iterator

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from trunkline.policy.problem import Finding, Location, nearest
from trunkline.policy.shape import key_at, section_at
from trunkline.policy.source import Source

Explanation = tuple[str, str]
"Message and fix."

NOT_A_NUMBER = ("not a number", "write it without quotes, such as `10`")
NOT_YES_OR_NO = ("neither true nor false", "write `true` or `false`")


def explain(error: ValidationError, source: Source) -> Iterator[Finding]:
    """One finding per model error."""
    for details in error.errors(include_url=False, include_input=False):
        path = source.as_written(tuple(part for part in details["loc"] if part != "[key]"))
        context = details.get("ctx", {})
        if "fix" in context:
            message, fix = context["message"], context["fix"]
        else:
            message, fix = EXPLANATIONS.get(details["type"], _as_said)(path, details, source)
        yield Finding(path, message, fix, at_key=details["type"] == "extra_forbidden" or "[key]" in details["loc"])


def _unknown_key(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    section = section_at(path[:-1])
    return f"unknown key `{path[-1]}`", nearest(str(path[-1]), section.model_fields if section else ())


def _missing(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    return f"`{path[-1]}` is missing", f"add it, such as {_example(path)}"


def _not_text(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    if details["loc"][-1] == "[key]":
        return "a name that YAML does not read as text", f'put it in quotes: `"{path[-1]}"`'
    written = source.written(path)
    if written:
        return "YAML does not read this as text", f'put it in quotes: `"{written}"`'
    return "not text", f"write text, such as {_example(path)}"


def _not_a_choice(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    choices = details.get("ctx", {}).get("expected", "")
    written = source.written(path) or ""
    return f"`{written}` is not a choice here", nearest(
        written, choices.replace(" or ", ", ").replace("'", "").split(", ")
    )


def _not_a_section(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    return "keys are expected here", f"write `key: value` pairs, such as {_example(path)}"


def _not_a_list(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    return "a list is expected here", f"write it in brackets, such as {_example(path)}"


def _out_of_range(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    said = details["msg"].removeprefix("Input should be ")
    return f"must be {said}", f"write a value {said}, such as {_example(path)}"


def _always(explanation: Explanation) -> Callable[[Location, ErrorDetails, Source], Explanation]:
    return lambda path, details, source: explanation


def _as_said(path: Location, details: ErrorDetails, source: Source) -> Explanation:
    return details["msg"], f"write it as docs/policy.md says, such as {_example(path)}"


def _example(path: Location) -> str:
    """An example of the nearest known key at or above the path."""
    while path:
        known = key_at(path)
        if known is not None and known.examples:
            return f"`{path[-1]}: {known.examples[0]}`"
        path = path[:-1]
    return "examples/policy.yaml"


EXPLANATIONS: dict[str, Callable[[Location, ErrorDetails, Source], Explanation]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "string_type": _not_text,
    "literal_error": _not_a_choice,
    "model_type": _not_a_section,
    "dict_type": _not_a_section,
    "tuple_type": _not_a_list,
    "greater_than_equal": _out_of_range,
    "less_than_equal": _out_of_range,
    "int_type": _always(NOT_A_NUMBER),
    "float_type": _always(NOT_A_NUMBER),
    "finite_number": _always(NOT_A_NUMBER),
    "bool_type": _always(NOT_YES_OR_NO),
}
