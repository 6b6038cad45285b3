from pathlib import Path

import pytest

from trunkline.policy import Snapshot, load_policy
from trunkline.policy.load import Draft, compile_draft, read_policy
from trunkline.policy.store import InForce, Store, StoreError
from trunkline.policy.version import version_of

TEXT = "carriers: {}\n"
FILES = {"rates/a.csv": b"prefix,rate\n1,0.01\n"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data")


def test_what_was_kept_comes_back_to_the_byte(store: Store, tmp_path: Path) -> None:
    text = "# a comment\r\ncarriers: {}  # déjà vu\n"
    version = store.save(text, FILES, tmp_path / "policy.yaml")
    assert version == version_of(text, FILES)
    stored = store.load(version)
    assert (stored.text, dict(stored.contents), stored.path) == (text, FILES, tmp_path / "policy.yaml")
    assert stored.base == tmp_path, "where relative secrets begin"
    assert stored.read("rates/a.csv") == FILES["rates/a.csv"]
    assert stored.place("rates/a.csv").read_bytes() == FILES["rates/a.csv"]


def test_the_files_of_a_version_are_those_of_then(store: Store, tmp_path: Path) -> None:
    old = store.save(TEXT, FILES, tmp_path / "policy.yaml")
    new = store.save(TEXT, {"rates/a.csv": b"prefix,rate\n1,0.02\n"}, tmp_path / "policy.yaml")
    assert old != new, "the same document with another deck is another version"
    assert store.load(old).read("rates/a.csv") == FILES["rates/a.csv"]


def test_a_version_that_was_altered_is_not_believed(store: Store, tmp_path: Path) -> None:
    version = store.save(TEXT, FILES, tmp_path / "policy.yaml")
    for path in (store.folder / f"{version}.yaml", *(store.folder / "files").iterdir()):
        before = path.read_bytes()
        path.write_bytes(before + b"#")
        with pytest.raises(StoreError, match="was altered after it was kept"):
            store.load(version)
        path.write_bytes(before)
    assert store.load(version)


def test_a_version_with_a_file_missing_says_which(store: Store, tmp_path: Path) -> None:
    version = store.save(TEXT, FILES, tmp_path / "policy.yaml")
    (kept,) = (store.folder / "files").iterdir()
    kept.unlink()
    with pytest.raises(StoreError, match=f"{version} is not kept whole: .*{kept.name} is missing"):
        store.load(version)


def test_a_version_may_be_named_by_its_beginning(store: Store, tmp_path: Path) -> None:
    version = store.save(TEXT, {}, tmp_path / "policy.yaml")
    assert store.named(version[:4]) == version
    for wrong in ("", version[:3], "zzzz", "../lock", f"{version}x"):
        with pytest.raises(StoreError, match="there is no version"):
            store.named(wrong)


def test_a_beginning_that_two_versions_share_is_not_guessed(store: Store) -> None:
    store.folder.mkdir(parents=True)
    for name in ("abcd000000000000", "abcd111111111111"):
        (store.folder / f"{name}.yaml").write_text(TEXT)
    with pytest.raises(StoreError, match="abcd could be any of abcd000000000000, abcd111111111111"):
        store.named("abcd")
    assert store.named("abcd0") == "abcd000000000000"


def test_nothing_is_in_force_until_something_is(store: Store) -> None:
    assert store.current() is None
    applied = InForce("abcd", 1, "anna", "because", "before", True)
    store.put_current(applied)
    assert store.current() == applied
    assert not list(store.folder.glob("*.writing")), "nothing half written is left"


def test_a_pointer_nobody_can_read_says_what_to_do(store: Store) -> None:
    store.put_current(InForce("abcd", 1, "anna", "because"))
    (store.folder / "current").write_text("{")
    with pytest.raises(StoreError, match="remove it, and the node starts with the file its settings name"):
        store.current()


def test_a_disk_that_refuses_leaves_what_was_in_force(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_current(InForce("abcd", 1, "anna", "because"))

    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.put_current(InForce("efgh", 2, "anna", "more"))
    assert (store.current() or InForce("", 0, "", "")).version == "abcd"
    assert not list(store.folder.glob("*.writing"))

WITH_DECK = """\
carriers:
  alpha: {gateways: {main: {host: 192.0.2.2}}, rates: rates/a.csv}
destinations:
  us: {prefixes: ["1"], routes: [{to: alpha}]}
"""


def test_a_kept_version_compiles_to_what_it_was_whatever_became_of_its_files(store: Store, tmp_path: Path) -> None:
    (tmp_path / "rates").mkdir()
    deck = tmp_path / "rates" / "a.csv"
    deck.write_bytes(FILES["rates/a.csv"])
    before = read_policy(WITH_DECK, base=tmp_path)
    assert isinstance(before, Draft), before
    assert before.files == FILES
    compiled = compile_draft(before, base=tmp_path)
    version = store.save(WITH_DECK, before.files, tmp_path / "policy.yaml")
    assert version == before.version
    deck.write_bytes(b"prefix,rate\n1,0.99\n")
    stored = store.load(version)
    after = read_policy(stored.text, base=stored.base, files=stored)
    assert isinstance(after, Draft), after
    again = compile_draft(after, base=stored.base)
    assert isinstance(again, Snapshot)
    assert isinstance(compiled, Snapshot)
    assert again == compiled
    assert again.version == version
    from_disk = load_policy(WITH_DECK, base=tmp_path)
    assert isinstance(from_disk, Snapshot)
    assert from_disk.version != version
    assert from_disk != compiled, "the file of today has another price"
    deck.unlink()
    assert isinstance(read_policy(WITH_DECK, base=tmp_path), list)
    assert isinstance(read_policy(stored.text, base=stored.base, files=stored), Draft)
