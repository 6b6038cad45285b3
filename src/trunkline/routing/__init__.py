"""Routing: which gateways may carry a call, in which order, and which are fit to."""

from trunkline.routing.candidates import Choice
from trunkline.routing.health import Health
from trunkline.routing.rates import bill
from trunkline.routing.router import LEARNING, Router, Strategy
from trunkline.routing.scoreboard import Scoreboard

__all__ = ["LEARNING", "Choice", "Health", "Router", "Scoreboard", "Strategy", "bill"]
