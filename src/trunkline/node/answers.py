"""What a running node answers on its control socket."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from trunkline.calls.call import Call
from trunkline.calls.trace import ladder_rows
from trunkline.facts.heard import LABELS
from trunkline.facts.record import AnswerLabelled, GatewayState, Ladder
from trunkline.node.control import RefusedError, Request
from trunkline.node.settings import SettingsError

if TYPE_CHECKING:
    from trunkline.node.serve import Node


class Answers:
    def __init__(self, node: "Node") -> None:
        self.node = node

    def table(self) -> dict[str, Callable[[Request], Any]]:
        return {
            "calls": self.calls,
            "call": lambda request: self._live(self._held(request)),
            "ladder": self.ladder,
            "status": self.status,
            "gateways": self.gateways,
            "drain": lambda request: self._drain(request, True),
            "undrain": lambda request: self._drain(request, False),
            "reload": self.reload,
            "label": self.label,
            "routes": self.routes,
        }

    def calls(self, request: Request) -> list[dict[str, Any]]:
        return [self._live(call) for call in self.node.core.board.calls.values() if not call.ended]

    def routes(self, request: Request) -> list[dict[str, Any]]:
        """How the routes of learning destinations stand."""
        core, now = self.node.core, self.node.network.now()
        rows: list[dict[str, Any]] = []
        for (destination, band), standings in core.decisions.router.standings().items():
            for standing in standings:
                refused = core.health.refuses(standing.gateway, destination, now)
                row = {name: getattr(standing, name) for name in standing.__struct_fields__}
                rows.append({"destination": destination, "band": band, **row, "state": refused.code if refused is not None else "open"})
        return rows

    def label(self, request: Request) -> str:
        if request.kind not in LABELS:
            raise RefusedError(f"no such label: {request.kind!r}; one of {', '.join(LABELS)}")
        node = self.node
        now = node.network.now()
        node.core.emit(AnswerLabelled(request.call, node.clock.utc_us(now), request.kind, request.author or "control socket"), now)
        node.commit()  # what is confirmed is on record
        return f"call {request.call} labelled {request.kind}"

    def _held(self, request: Request) -> Call:
        """A call in progress, by our id or by the Call-ID the dialer gave it."""
        calls = self.node.core.board.calls
        call = calls.get(request.call) or next((one for one in calls.values() if one.source[2] == request.call), None)
        if call is None:
            raise RefusedError(f"no call {request.call} in progress")
        return call

    def _live(self, call: Call) -> dict[str, Any]:
        plan = call.plan
        return {
            "call": call.id, "at": self.node.clock.utc_us(call.began), "state": call.state.value, "trunk": plan.trunk.name, "called": plan.called,
            "caller": plan.caller, "carrier": call.last[0], "gateway": call.last[1], "attempts": call.position,
            "heard": call.ear.verdict if call.ear is not None else "",
        }  # fmt: skip

    def ladder(self, request: Request) -> Ladder:
        call = self._held(request)
        return Ladder(call.id, self.node.clock.utc_us(call.began), tuple(call.names), ladder_rows(call.rows, call.began))

    def status(self, request: Request) -> dict[str, Any]:
        node, core = self.node, self.node.core
        closed = core.board.closed
        return {
            "node": node.settings.node.name,
            "policy": core.decisions.policy.version,
            "calls": sum(not call.ended for call in core.board.calls.values()),
            "channels": dict(core.limits.used),
            "transactions": len(core.endpoint.open_transactions()),
            "lingering_transactions": core.endpoint.lingering_transactions(),
            "admitting": closed is None,
            "why_not": "" if closed is None else f"{closed.code}: {closed.text} {node.journal.fault}".strip(),
            "doors": {name: f"{door.transport} {door.local}:{door.port}" for name, door in node.doors.items()},
        }

    def gateways(self, request: Request) -> list[dict[str, Any]]:
        core = self.node.core
        now = self.node._loop.time()
        rows = []
        for name, gateway in core.decisions.policy.gateways.items():
            condition = core.health.condition(name)
            share = core.health.shares.get(name)
            rows.append({
                "gateway": name, "host": gateway.host, "transport": gateway.transport, "up": condition.up, "drained": condition.drained,
                "registered": condition.registered if gateway.registration else None, "channels": core.limits.used.get(f"gateway {name}", 0),
                "skip": round(share.skip_probability(now), 3) if share else 0.0, "resolved": core.registrar.way(gateway, now) is not None,
            })  # fmt: skip
        return rows

    def _drain(self, request: Request, drained: bool) -> str:
        node, core = self.node, self.node.core
        if not request.gateway:
            node.draining = drained
            core.board.closed = node._why_closed()
            return f"node {node.settings.node.name} {'drains: no new calls' if drained else 'takes calls again'}"
        if request.gateway not in core.decisions.policy.gateways:
            raise RefusedError(f"no gateway {request.gateway}; known are {', '.join(core.decisions.policy.gateways)}")
        core.health.condition(request.gateway).drained = drained
        now = node._loop.time()
        core.emit(GatewayState(request.gateway, node.clock.utc_us(now), "drained" if drained else "undrained", request.reason), now)
        return f"gateway {request.gateway} {'drains' if drained else 'takes calls again'}"

    async def reload(self, request: Request) -> dict[str, str]:
        try:
            policy = await self.node.reload(request.policy, request.author or "control socket", request.reason)
        except SettingsError as error:
            raise RefusedError(f"policy not changed:\n{error}") from error
        return {"policy": policy.version}
