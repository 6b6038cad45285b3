"""The whole decision, sans-IO: `decide`, `reserve`, `observe`."""

from trunkline.decide.decisions import Decisions
from trunkline.decide.places import Places, StaticPlaces
from trunkline.decide.plan import CallRequest, Plan, Refused, Verdict, Way

__all__ = ["CallRequest", "Decisions", "Places", "Plan", "Refused", "StaticPlaces", "Verdict", "Way"]
