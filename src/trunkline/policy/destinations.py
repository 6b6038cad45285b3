"""Destinations, inbound numbers and emergency calls: where calls go."""

from typing import Annotated, Literal

from trunkline.policy.scalars import Count, DialString, Name, NotEmpty, Percent, Prefix, RouteName
from trunkline.policy.section import Section, key


class Route(Section):
    """A carrier, or one gateway of it, that a destination may use."""

    to: RouteName = key(example="beta/main")
    "`carrier` for all its gateways, or `carrier/gateway`."
    share: Percent = key(0.0, example="70")
    "Its part of the calls for strategy `percentage`, all of them summing to 100; `priority` ignores it."


class Destination(Section):
    """Called numbers that share their routes; the longest prefix of all destinations wins."""

    prefixes: Annotated[tuple[Prefix, ...], NotEmpty] = key(example='["1", "44"]')
    'How its numbers begin, without +, in quotes; `""` covers everything.'
    strategy: Literal["priority", "percentage"] = key("priority", example="percentage")
    "priority takes routes in the order written; percentage draws the first by `share`."
    routes: Annotated[tuple[Route, ...], NotEmpty] = key(example="[{to: alpha}, {to: beta/main}]")
    "Where its calls may go."
    max_attempts: Count = key(5, example="3")
    "Attempts at most for one call."


class Did(Section):
    """An inbound number, or every number that begins with what stands before a star."""

    trunks: Annotated[tuple[Name, ...], NotEmpty] = key(example="[office, vici-1]")
    "Who takes its calls, tried in order; each registers or has a `host`."


class Emergency(Section):
    """Emergency calls: past every limit, never from a trunk of kind `dialer`."""

    numbers: tuple[DialString, ...] = key(("911", "112", "999", "933"), example='["911", "112"]')
    "Numbers as dialled, compared before the number plan is applied."
    test_numbers: tuple[DialString, ...] = key(("933",), example='["933"]')
    "Those of `numbers` that only test; unwritten, it is 933 where `numbers` has it."
    routes: tuple[RouteName, ...] = key((), example="[alpha, beta/main]")
    "Tried in order, all of them; needed as soon as there is a trunk of kind `pbx`."
