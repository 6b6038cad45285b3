"""The policy's YAML text: read once, and able to say on which line a value stands.

The node tree is kept beside the data until the policy is known to be right; libyaml composes it anyway, and it turns
the path of a problem into a line without parsing again.
"""

from collections.abc import Callable, Iterator
from typing import Any

import yaml
from msgspec import Struct
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from trunkline.policy.problem import Finding, Location, Problem, spelled

NULL, INT, MERGE = (f"tag:yaml.org,2002:{kind}" for kind in ("null", "int", "merge"))
DEEPEST = 32
"Levels of nesting; the document has nine, and libyaml's composer recurses in C until the stack is gone."


class Loader(yaml.CSafeLoader):
    """Safe YAML, with every unreadable scalar a YAML error that knows its line, and a bound on depth.

    The composer calls the two resolver hooks on its way into and out of each node; nothing else here needs them.
    """

    depth = 0

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            mark = None if parent is None else parent.start_mark
            raise yaml.composer.ComposerError(None, None, "nested too deeply", mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


def _guarded(construct: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """PyYAML lets bare Python errors out of scalars such as `2024-13-01`, `0b_` or `!!bool perhaps`."""

    def run(loader: Any, node: Node) -> Any:
        try:
            return construct(loader, node)
        except (ValueError, LookupError, AttributeError, TypeError):
            kind = node.tag.rpartition(":")[2]
            raise yaml.constructor.ConstructorError(None, None, f"not a {kind}", node.start_mark) from None

    return run


for _kind in ("bool", "int", "float", "timestamp", "binary"):
    _tag = f"tag:yaml.org,2002:{_kind}"
    Loader.add_constructor(_tag, _guarded(yaml.CSafeLoader.yaml_constructors[_tag]))


_SCALARS = yaml.constructor.SafeConstructor()


class Source(Struct, frozen=True):
    """A document that parsed."""

    text: str
    data: object
    "Plain Python values."
    root: Node

    def problem(self, finding: Finding) -> Problem:
        """The finding with its line and column: those of the deepest part of its path that is written down."""
        mark = self.find(finding.path, at_key=finding.at_key).start_mark
        return Problem(mark.line + 1, mark.column + 1, spelled(finding.path), finding.message, finding.fix)

    def as_written(self, path: Location) -> Location:
        """The path with keys YAML read as numbers (404, 011, +14155550100) spelled as they are in the text."""
        spelling: list[str | int] = []
        node = self.root
        for part in path:
            key, value = _child(node, part)
            spelling.append(key.value if isinstance(key, ScalarNode) else part)
            node = value or node
        return tuple(spelling)

    def find(self, path: Location, *, at_key: bool = False) -> Node:
        """The node at `path`, or its nearest written ancestor; with `at_key` the key in place of the value."""
        node = self.root
        for depth, part in enumerate(path):
            key, value = _child(node, part)
            if value is None:
                break
            node = key if at_key and key is not None and depth == len(path) - 1 else value
        return node

    def written(self, path: Location) -> str | None:
        """The text of a scalar as written (`011`, where YAML reads 9), or None when there is no scalar at `path`."""
        node = self.find(path)
        return node.value if isinstance(node, ScalarNode) else None


def read(text: str) -> tuple[Source, list[Finding]] | list[Problem]:
    """The parsed document with a finding for each key written twice, or why it is not YAML."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        return [Problem(line, 0, "", "a character that is no Unicode text", "save the file as UTF-8")]
    try:
        loader = Loader(text)
        try:
            root = loader.get_single_node()
            if root is None or root.tag == NULL:
                return [Problem(0, 0, "", "the policy is empty", "begin with `carriers:` and `trunks:`")]
            doubled = list(_duplicates(root))
            data = loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        return [_not_yaml(error, text)]
    return Source(text, data, root), doubled


def _not_yaml(error: yaml.YAMLError, text: str) -> Problem:
    fix = "check indentation, colons and quotes around here"
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    if mark is None:
        return Problem(0, 0, "", f"not YAML: {said}", "remove control characters; save the file as UTF-8")
    last = text.count("\n") + 1
    return Problem(min(mark.line + 1, last), mark.column + 1, "", f"not YAML: {said}", fix)


def _duplicates(root: Node) -> Iterator[Finding]:
    """Keys written twice in one mapping: YAML would silently keep the last."""
    seen: set[int] = set()
    waiting: list[tuple[Node, Location]] = [(root, ())]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            waiting.extend((item, (*path, position)) for position, item in enumerate(node.value))
        elif isinstance(node, MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                name = key.value if isinstance(key, ScalarNode) else "?"
                if isinstance(key, ScalarNode) and name in names and key.tag != MERGE:
                    fix = f"keep one of the `{name}:` entries and remove the other"
                    yield Finding((*path, name), f"`{name}` is written twice; only the last would count", fix, True)
                names.add(name)
                waiting.append((value, (*path, name)))


def _child(node: Node, part: str | int) -> tuple[Node | None, Node | None]:
    """Key and value nodes under `node`; the last of equal keys, as YAML takes it."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return None, node.value[part]
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, ScalarNode) and (key.value == part or _reads_as(key, part)):
                return key, value
    return None, None


def _reads_as(key: ScalarNode, part: str | int) -> bool:
    return key.tag == INT and isinstance(part, int) and _SCALARS.construct_yaml_int(key) == part
