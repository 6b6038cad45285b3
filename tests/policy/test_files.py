from pathlib import Path

from pydantic import Field

from trunkline.policy.files import Folder, named_files
from trunkline.policy.scalars import FileName
from trunkline.policy.section import Section
from trunkline.policy.version import version_of


class Leaf(Section):
    deck: FileName | None = None
    others: tuple[FileName, ...] = ()
    word: str = "not a file"


class Tree(Section):
    leaves: dict[str, Leaf] = Field({})
    plain: dict[str, str] = Field({})


def test_files_are_found_wherever_a_section_names_them() -> None:
    tree = Tree.model_validate({"leaves": {"a": {"deck": "a.csv"}, "b": {"others": ["b.csv", "c/d.csv"]}}, "plain": {"x": "x.csv"}})
    assert list(named_files(tree)) == [
        (("leaves", "a", "deck"), "a.csv"),
        (("leaves", "b", "others", 0), "b.csv"),
        (("leaves", "b", "others", 1), "c/d.csv"),
    ]


def test_a_version_changes_with_any_byte_of_document_or_files() -> None:
    text = "carriers: {}\n"
    versions = {
        version_of(text, {}),
        version_of(text + " ", {}),
        version_of(text, {"a.csv": b"1"}),
        version_of(text, {"a.csv": b"2"}),
        version_of(text, {"b.csv": b"1"}),
        version_of(text, {"a.csv": b"1", "b.csv": b"1"}),
    }
    assert len(versions) == 6
    assert version_of(text, {"a": b"1", "b": b"2"}) == version_of(text, {"b": b"2", "a": b"1"}), "whatever the order"


def test_a_folder_reads_below_itself(tmp_path: Path) -> None:
    (tmp_path / "rates").mkdir()
    (tmp_path / "rates" / "a.csv").write_bytes(b"prefix,rate\n")
    folder = Folder(tmp_path)
    assert folder.read("rates/a.csv") == b"prefix,rate\n"
    assert folder.place("rates/a.csv") == (tmp_path / "rates" / "a.csv").resolve()
