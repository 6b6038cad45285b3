"""The policy: one YAML document, checked as a whole, compiled to an immutable snapshot.

Signalling imports this to decode snapshots; the models and the YAML parser load only where a policy is compiled.
"""

from typing import TYPE_CHECKING, Any

from trunkline.policy.problem import Problem
from trunkline.policy.snapshot import Snapshot
from trunkline.policy.wire import decode, encode

if TYPE_CHECKING:
    from trunkline.policy.load import load_policy

__all__ = ["Problem", "Snapshot", "decode", "encode", "load_policy"]


def __getattr__(name: str) -> Any:
    if name == "load_policy":
        from trunkline.policy.load import load_policy

        return load_policy
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
