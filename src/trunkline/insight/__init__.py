"""What the log tells when it is asked: so far, what another policy would have done with the calls of this one."""

from trunkline.insight.estimate import Figure
from trunkline.insight.logged import Log, LoggedCall, gather
from trunkline.insight.replay import Judged, Replay
from trunkline.insight.what_if import Part, RouteShift, WhatIf, what_if

__all__ = ["Figure", "Judged", "Log", "LoggedCall", "Part", "Replay", "RouteShift", "WhatIf", "gather", "what_if"]
