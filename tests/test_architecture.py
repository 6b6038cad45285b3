"""The house holds: a package imports only lower floors, and files stay one idea."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "trunkline"
FLOORS = {
    "sip": 0, "media": 0, "listen": 0, "stats": 0, "facts": 1, "numbering": 1, "studio": 1, "policy": 2, "records": 2, "guard": 3, "numbers": 3, "routing": 3, "decide": 4, "calls": 5, "insight": 5, "center": 6,
    "lab": 7, "node": 8, "cli": 8,
}  # fmt: skip
ALLOWED = {("media", "sip"), ("lab", "records"), ("cli", "node")}
"""On one floor, or across it: media reads SDP by sip's reader; the demo of the lab reads records; commands start the node."""

FILES = sorted(SOURCE.rglob("*.py"))


def imports_of(path: Path) -> set[tuple[str, ...]]:
    """Every module of ours that a file imports, type checking included, as path parts after `trunkline`."""
    found: set[tuple[str, ...]] = set()
    package = path.relative_to(SOURCE).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(("trunkline", *package[: len(package) - node.level + 1])) if node.level else ""
            module = f"{base}.{node.module}" if base and node.module else base or node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {tuple(name.split(".")[1:]) for name in names if name.startswith("trunkline.")}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_package_imports_only_lower_floors(path: Path) -> None:
    parts = path.relative_to(SOURCE).parts
    if len(parts) == 1:
        return
    home = parts[0]
    for imported in imports_of(path):
        if not imported or imported[0] in (home, "__version__"):
            continue
        assert FLOORS[imported[0]] < FLOORS[home] or (home, imported[0]) in ALLOWED, f"{home} imports {'.'.join(imported)}"


@pytest.mark.parametrize("path", [path for path in FILES if "sip" in path.parts and "asyncio" not in path.parts], ids=lambda path: path.name)
def test_sip_is_sans_io(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & {"asyncio", "socket", "time", "threading"}


def test_calls_know_nothing_of_admission_numbers_routing_or_storage() -> None:
    for path in FILES:
        if path.relative_to(SOURCE).parts[0] == "calls":
            assert not {imported[0] for imported in imports_of(path)} & {"guard", "numbers", "routing", "records"}, path


def test_no_module_is_a_drawer() -> None:
    assert not [path for path in FILES if path.stem in ("utils", "helpers", "common", "manager", "misc")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500
