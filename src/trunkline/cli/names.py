"""Names a question is asked by: a trunk, a carrier, a campaign. One that nobody knows is no empty answer but a mistake."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli.policy_data import BrokenPolicyError, Kept
from trunkline.cli.source import SourceError
from trunkline.policy.problem import nearest
from trunkline.policy.store import StoreError

if TYPE_CHECKING:
    from trunkline.policy.document import Document

IN_POLICY: Mapping[str, Callable[["Document"], Iterable[str]]] = {
    "tenant": lambda document: document.tenants,
    "trunk": lambda document: document.trunks,
    "carrier": lambda document: document.carriers,
    "gateway": lambda document: [name for name in document.route_gateways() if "/" in name],
    "destination": lambda document: document.destinations,
    "band": lambda document: document.bands,
    "pool": lambda document: document.pools,
}
"What the policy in force calls by name; a campaign is what dialers say it is."


def must_be_known(data: Path, kind: str, name: str, seen: Iterable[str] = ()) -> None:
    """Raises SourceError (1) where neither the policy in force nor what was `seen` has the name; for a command that found nothing by it."""
    in_policy = named_in_force(data, kind) if kind in IN_POLICY else None
    known = {*seen, *(in_policy or ())} - {""}
    if name not in known:
        where = "no recent call names it" if in_policy is None else "the policy in force has none of that name"
        raise SourceError(f"There is no {kind} {name}: {where}; {nearest(name, sorted(known)) if known else 'none is known yet'}", 1)


def named_in_force(data: Path, kind: str) -> list[str] | None:
    """Names of a kind in the policy in force; None where there is none, or none that can be read."""
    try:
        return list(IN_POLICY[kind](Kept(data).in_force().document))
    except (StoreError, BrokenPolicyError):
        return None
