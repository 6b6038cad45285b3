"""The media engine over rtpengine daemons (NG protocol, version 10.5)."""

from trunkline.media.rtpengine.engine import Rtpengine
from trunkline.media.rtpengine.link import Link
from trunkline.media.rtpengine.settings import Daemon, Ranges, Settings

__all__ = ["Daemon", "Link", "Ranges", "Rtpengine", "Settings"]
