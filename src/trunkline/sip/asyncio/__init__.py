"""The only I/O of the SIP stack: sockets around a sans-IO endpoint, on asyncio or uvloop."""

from trunkline.sip.asyncio.network import Network
from trunkline.sip.asyncio.settings import ListenError, PeerNames, TlsSettings

__all__ = ["ListenError", "Network", "PeerNames", "TlsSettings"]
