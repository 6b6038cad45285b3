"""Routing: which gateways may carry a call, in which order, and which are fit to."""

from trunkline.routing.candidates import Choice, choose
from trunkline.routing.health import Health

__all__ = ["Choice", "Health", "choose"]
