"""The embedded media relay: `Relay` answers signalling, `RelayPool` runs the workers that move packets."""

from trunkline.media.relay.engine import Relay
from trunkline.media.relay.pool import RelayPool
from trunkline.media.relay.settings import Interface, RelaySettings

__all__ = ["Interface", "Relay", "RelayPool", "RelaySettings"]
