"""Where a number stands, as a checkpoint keeps it."""

from enum import StrEnum

from msgspec import Struct, field


class State(StrEnum):
    STOCK = "stock"
    "In the inventory, never called with."
    WARM_UP = "warm_up"
    PRODUCTION = "production"
    COOLING = "cooling"
    "At rest: quarantined."
    RECOVERY = "recovery"
    "On probation after a rest."
    RETIRED = "retired"
    "Never called with again; call-backs still arrive."
    RELEASED = "released"
    "Given back: no longer ours."


class Life(Struct, gc=False, array_like=True):
    """Where a number stands and how much it was used."""

    number: str
    state: str = State.STOCK.value
    since: int = 0
    "UTC microseconds when it came into this state."
    rest_until: int = 0
    relapses: int = 0
    ramp_days: int = 0
    "Days of use that counted on its present ramp."
    day: int = 0
    "Day of `today`, days since 1970 shifted by `day_begins_h`."
    today: int = 0
    "Calls on that day."
    concurrent: int = 0
    total: int = 0
    last: int = 0
    "UTC microseconds of its last call."
    recent: bytearray = field(default_factory=bytearray)
    "UTC seconds of its last calls, oldest first, 4 bytes each, big-endian: as many as the hour's cap."
    judged_from: int = 0
    "UTC microseconds: labels and complaints of before were answered by a rest, or by a person."
