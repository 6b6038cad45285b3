"""How calls that come too early may wait: key `pacing` of a trunk."""

from typing import Annotated

from pydantic import AfterValidator, Field, Strict

from trunkline.policy.scalars import Duration, Kind, reject
from trunkline.policy.section import Section, key

LONGEST_WAIT_S = 5.0
"Dialers give up on a silent trunk after four seconds and more; ours is not silent (100 Trying), yet no call is worth a longer wait."


def _short(seconds: float) -> float:
    if seconds > LONGEST_WAIT_S:
        raise reject("a call may wait 5 s at most", "write it like `800ms`")
    return seconds


ShortWait = Annotated[Duration, AfterValidator(_short), Kind("duration up to 5s")]
Queue = Annotated[int, Strict(), Field(ge=1, le=1_000), Kind("calls, 1 to 1000")]
Weight = Annotated[float, Strict(), Field(ge=0.1, le=100, allow_inf_nan=False), Kind("number, 0.1 to 100")]


class Pacing(Section):
    """Calls over a rate (`cps` of the trunk or its tenant, or of every gateway that could take them) wait their turn instead of being refused."""

    wait: ShortWait = key(0.0, example="800ms")
    "Longest wait, from when the call came; keep it far below what the dialer waits for a response. 0 refuses at once."
    queue: Queue = key(50, example="20")
    "Calls that may wait at once."
    weight: Weight = key(1.0, example="2.0")
    "Its part of a rate that several trunks wait for: their tenant's, a carrier's."
