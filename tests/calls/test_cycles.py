"""The call path makes no reference cycles: a full collection, which would stop every call, finds nothing to do."""

import gc
from pathlib import Path

import pytest

from tests.flows.script import read_flow
from tests.flows.stage import Stage

FLOWS = Path(__file__).parents[1] / "flows"


@pytest.mark.parametrize(
    "name", ["01-plain-call", "03-503-goes-to-the-next", "10-early-cancel", "12-late-200", "24-hold-and-resume", "27-session-timer-expires", "21-reliable-from-carrier",
     "53-held-until-it-rings", "57-message-after-the-beep", "60-assistant-asks-and-somebody-picks-up", "62-cancel-while-screening", "65-evidence-of-a-false-answer", "67-masked-keys"],
)
def test_a_call_leaves_no_cycle_behind(name: str) -> None:
    flow = read_flow(FLOWS / f"{name}.md")
    Stage(flow).play()
    stage = Stage(flow)
    gc.collect()
    gc.disable()
    try:
        stage.play()
        stage.heard.clear()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = [thing for thing in gc.garbage if type(thing).__module__.startswith("trunkline")]
        assert not ours, {type(thing).__name__ for thing in ours}
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
