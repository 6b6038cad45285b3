"""The four transaction machines of RFC 3261 section 17, as tables."""

from trunkline.sip.transactions.client import Client
from trunkline.sip.transactions.client_invite import ClientInvite
from trunkline.sip.transactions.machine import Host, Machine, Trace
from trunkline.sip.transactions.server import Server
from trunkline.sip.transactions.server_invite import ServerInvite
from trunkline.sip.transactions.settings import TimerSettings

__all__ = ["Client", "ClientInvite", "Host", "Machine", "Server", "ServerInvite", "TimerSettings", "Trace"]
