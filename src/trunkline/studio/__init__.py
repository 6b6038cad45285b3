"""The studio: legs of calls listened to and recorded, in worker processes fed by copies of their audio.

`Studio` is what signalling uses, `StudioPool` runs its workers. `repair` makes a recording playable whose worker was killed, `prepare` a prompt of
any sound file. A `Relay` that has `join`ed a `Studio` has it transcode; `Mixer` is the seam for conferences.
"""

from trunkline.studio.contract import Address, Heard, Recorded, StudioEvent, StudioLost, Undecodable
from trunkline.studio.engine import Studio
from trunkline.studio.mixer import Mixer
from trunkline.studio.pool import StudioPool
from trunkline.studio.prompts import PromptError, prepare
from trunkline.studio.settings import StudioSettings
from trunkline.studio.wav import repair

__all__ = ["Address", "Heard", "Mixer", "PromptError", "Recorded", "Studio", "StudioEvent", "StudioLost", "StudioPool", "StudioSettings", "Undecodable", "prepare", "repair"]
