"""How this room says no: entries for the refusal catalogue.

A call without a number that may be shown is refused. Calling with a capped, unproven or resting one because nothing else was left is how whole
pools are burnt.
"""

from trunkline.facts.refusal import Refusal, Result, Side

NONE_LEFT = Refusal("numbers.none_left", Result.LIMITED, "No number of the pool has room: all are capped, resting or without proof. The record counts why; add numbers or call less.")
NO_POOL = Refusal("numbers.no_pool", Result.FORBIDDEN, "The pool holds no number this tenant may call with; import some, or name another pool.")
NOT_PRESENTABLE = Refusal("numbers.not_presentable", Result.FORBIDDEN, "No number of the pool may be shown in that country over the carriers at hand; see `presentation`.")
TOO_FAR = Refusal("numbers.too_far", Result.LIMITED, "No number near the callee has room, and the pool is `local_only`.")
INVALID_CALLER = Refusal("numbers.invalid_caller", Result.FORBIDDEN, "The caller ID the dialer sent cannot be a telephone number.", side=Side.DIALER)
UNALLOCATED_CALLER = Refusal("numbers.unallocated_caller", Result.FORBIDDEN, "The caller ID the dialer sent lies in a range nobody was given.", side=Side.DIALER)
DO_NOT_ORIGINATE = Refusal("numbers.do_not_originate", Result.FORBIDDEN, "The caller ID the dialer sent is on the do-not-originate list: its owner never calls with it.", side=Side.DIALER)
NOT_OWNED = Refusal("numbers.not_owned", Result.FORBIDDEN, "The caller ID the dialer sent is not a number of this tenant; import it, or let the trunk replace it.", side=Side.DIALER)
UNPROVEN = Refusal("numbers.unproven", Result.FORBIDDEN, "The right to the caller ID the dialer sent is not proven, or the proof has lapsed.", side=Side.DIALER)
RESTING = Refusal("numbers.resting", Result.LIMITED, "The caller ID the dialer sent is resting, retired or not in use yet.", side=Side.DIALER)
CAPPED = Refusal("numbers.capped", Result.LIMITED, "The caller ID the dialer sent has made as many calls as it may for now.", side=Side.DIALER)

REFUSALS = (
    NONE_LEFT, NO_POOL, NOT_PRESENTABLE, TOO_FAR, INVALID_CALLER, UNALLOCATED_CALLER, DO_NOT_ORIGINATE, NOT_OWNED, UNPROVEN, RESTING, CAPPED,
)  # fmt: skip
"Every one of them."
