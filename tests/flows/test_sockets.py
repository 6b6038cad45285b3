"""Every call flow of this folder once more, on a served node over UDP sockets."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from . import sockets
from .script import Wait, read_flow
from .sockets import SocketStage
from .test_flows import BEGINNING, FALSE, FLOWS

pytestmark = pytest.mark.sockets

CLOCKED = ("90-outside-calling-hours", "91-busy-not-yet")
"They speak of the time of day, or of minutes that pass; `tests/node/test_admission.py` has the same on the wire."

WIRED = [path for path in FLOWS if not read_flow(path).audio and path.stem not in CLOCKED]
"On the wire audio cannot be said by a line; `tests/node` has those that matter with real RTP."

AT_ONCE = 3
"Flows played side by side: most of their time is waiting."


def play(path: Path, folder: Path) -> None:
    with SocketStage(read_flow(path), folder) as stage:
        stage.play()


def patience(path: Path) -> float:
    """Seconds a flow waits; the longest go first, so that nobody waits for them at the end."""
    return sum(step.seconds for step in read_flow(path).steps if isinstance(step, Wait))


@pytest.fixture(scope="module")
def playing(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Future[None]]]:
    """The flows of the tests that were chosen, under way: each has a node, addresses and sockets of its own."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function) and item.function is test_flow_over_sockets]
    chosen = {item.callspec.params["path"] for item in items}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {path: pool.submit(play, path, tmp_path_factory.mktemp(path.stem)) for path in sorted(chosen, key=patience, reverse=True)}
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("path", WIRED, ids=lambda path: path.stem)
def test_flow_over_sockets(path: Path, playing: dict[Path, Future[None]]) -> None:
    playing[path].result()


@pytest.mark.parametrize("what", FALSE)
def test_a_false_flow_fails_over_sockets(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "DEADLINE_S", 0.5)
    monkeypatch.setattr(sockets, "CLEAN_S", 0.5)
    rest, says = FALSE[what]
    path = tmp_path / "false.md"
    path.write_text(BEGINNING + rest)
    with pytest.raises(AssertionError, match=says):
        play(path, tmp_path / "node")
