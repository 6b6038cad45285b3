"""What an operator may set about calls as such."""

from msgspec import Struct


class SwitchboardSettings(Struct, frozen=True, gc=False):
    node: str = "node"
    "Name of this node in records."
    recordings: str = "recordings"
    "Folder for recordings of calls."
    min_se_s: int = 90
    "Smallest session interval accepted (RFC 4028 section 5); tests use shorter ones."
