"""How the studio is set up: from the node's settings, fixed for its life."""

from msgspec import Struct


class StudioSettings(Struct, frozen=True, gc=False):
    """Settings of the studio."""

    address: str = "127.0.0.1"
    "Where copies of audio come in. They are in the clear: an address other than loopback belongs to a network of our own."
    workers: int = 1
    "Processes that decode, listen and record."
    lines: int = 600
    "Legs of one worker, listened to or recorded; what is more is not heard."
    conversions: int = 200
    "Streams of one worker, transcoded or searched for keys, two to a call; what is more is refused."
    leased_ahead: int = 64
    "Ports per worker held ready."
