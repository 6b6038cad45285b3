"""Where a number goes once a dip has told more of it than its digits do (row R13).

A ported number goes by its routing number. Then whoever names its operator, or its type, gets it: an operator counts more than a type, and both
together more than either; within one, the destination written first.
"""

from collections.abc import Callable, Mapping

from trunkline.numbering import longest
from trunkline.numbering.dip import Answer
from trunkline.policy.snapshot import Destination, Snapshot


class Refine:
    """The destinations of one policy that dips can lead to."""

    def __init__(self, policy: Snapshot, country_of: Callable[[str], str]) -> None:
        """`country_of` tells the country of E.164 digits without +: `numbering.world`, loaded ahead of calls."""
        self._policy = policy
        self._country_of = country_of
        told = [destination for destination in policy.destinations.values() if destination.operators or destination.types]
        self._told = sorted(told, key=lambda destination: -2 * bool(destination.operators) - bool(destination.types))
        self._operators: Mapping[str, frozenset[str]] = {
            destination.name: frozenset(operator.casefold() for operator in destination.operators) for destination in self._told
        }

    def destination(self, called: str, answer: Answer) -> str | None:
        """Name of the destination of a number in E.164 with +; None when it belongs to none."""
        policy = self._policy
        digits = rated(called, answer)[1:]
        if answer.operator or answer.type:
            for destination in self._told:
                if self._fits(destination, digits, answer):
                    return destination.name
        return longest(policy.prefixes, digits, policy.longest_prefix)

    def _fits(self, destination: Destination, digits: str, answer: Answer) -> bool:
        if destination.operators and answer.operator.casefold() not in self._operators[destination.name]:
            return False
        if destination.types and answer.type not in destination.types:
            return False
        if destination.prefixes and not digits.startswith(destination.prefixes):
            return False
        return not destination.countries or self._country_of(digits) in destination.countries


def rated(called: str, answer: Answer | None) -> str:
    """The number that routes and prices go by: the routing number of a ported one, else the called one."""
    return answer.routing_number if answer is not None and answer.routing_number else called
