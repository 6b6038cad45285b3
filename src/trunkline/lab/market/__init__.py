"""The market: carriers, callees and a dialer whose truth is known, to prove routing on.

It drives the product's own `Decisions`, without SIP. Each call draws its fate on every route before anybody chooses, so two strategies that
take the same route for the same call see the same thing happen (common random numbers).
"""

from trunkline.lab.market.fate import Fates, draw_fates
from trunkline.lab.market.oracle import Oracle
from trunkline.lab.market.policy import policy_of
from trunkline.lab.market.run import Result, run
from trunkline.lab.market.scenario import MarketError, Scenario, load_scenario, shipped
from trunkline.lab.market.truth import Truth

__all__ = ["Fates", "MarketError", "Oracle", "Result", "Scenario", "Truth", "draw_fates", "load_scenario", "policy_of", "run", "shipped"]
