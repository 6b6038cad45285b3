"""Which channels are guaranteed to whom, as a policy says, in the names limits are counted by."""

from trunkline.guard.limits import Share
from trunkline.policy.snapshot import Snapshot


def shares(policy: Snapshot) -> dict[str, Share]:
    """Trunks within their tenants, tenants at carriers; what `Limits.guarantee` takes."""
    found = {f"trunk {name}": Share(f"tenant {trunk.tenant}", trunk.guaranteed) for name, trunk in policy.trunks.items() if trunk.guaranteed}
    for carrier in policy.carriers.values():
        found.update({at_carrier(tenant, carrier.name): Share(f"carrier {carrier.name}", channels) for tenant, channels in carrier.guaranteed})
    return found


def at_carrier(tenant: str, carrier: str) -> str:
    """Name under which a tenant's attempts at a carrier are counted."""
    return f"tenant {tenant} at carrier {carrier}"
