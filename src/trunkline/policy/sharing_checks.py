"""Guaranteed channels that cannot be kept, and emergency callers that cannot be sent."""

from collections.abc import Iterator

from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location, unknown


def check_sharing(document: Document) -> Iterator[Finding]:
    """Every finding over `guaranteed` and `emergency` of trunks and carriers."""
    promised: dict[str, int] = {}
    for name, trunk in document.trunks.items():
        path: Location = ("trunks", name)
        promised[trunk.tenant] = promised.get(trunk.tenant, 0) + trunk.guaranteed
        tenant = document.tenants.get(trunk.tenant)
        if trunk.guaranteed and trunk.channels and trunk.guaranteed > trunk.channels:
            yield Finding((*path, "guaranteed"), "more is guaranteed than the trunk may use", f"write at most {trunk.channels}")
        if trunk.guaranteed and tenant is not None:
            yield from _kept((*path, "guaranteed"), promised[trunk.tenant], tenant.channels, f"tenant `{trunk.tenant}`")
        yield from _caller(document, path, name)
    for name, carrier in document.carriers.items():
        kept = 0
        for tenant_name, channels in carrier.guaranteed.items():
            path = ("carriers", name, "guaranteed", tenant_name)
            kept += channels
            if tenant_name not in document.tenants:
                yield unknown(path, "tenant", tenant_name, document.tenants, at_key=True)
            yield from _kept(path, kept, carrier.channels, f"carrier `{name}`")


def _kept(path: Location, promised: int, channels: int, whose: str) -> Iterator[Finding]:
    if not channels:
        yield Finding(path, f"{whose} has no limit a part could be kept of", f"give {whose} `channels`")
    elif promised > channels:
        yield Finding(path, f"{promised} channels of {whose} are guaranteed, and it has {channels}", "guarantee less, or raise its `channels`")


def _caller(document: Document, path: Location, name: str) -> Iterator[Finding]:
    trunk = document.trunks[name]
    caller = trunk.emergency
    if caller is None:
        return
    if trunk.kind == "dialer":
        yield Finding((*path, "emergency"), "a dialer places no emergency calls", "remove it, or write `kind: pbx`")
    if not caller.callback and caller.location is None:
        yield Finding((*path, "emergency"), "it says nothing", "add `callback`, `location` or both")
    where = caller.location
    if where is not None:
        given = [bool(where.uri), where.address is not None, where.latitude is not None or where.longitude is not None]
        if sum(given) != 1:
            fix = "write `uri`, or `address`, or `latitude` and `longitude`"
            yield Finding((*path, "emergency", "location"), "a location is one of three", fix)
        elif (where.latitude is None) != (where.longitude is None):
            yield Finding((*path, "emergency", "location"), "half a position", "write both `latitude` and `longitude`")
