"""What a running node answers on its control socket."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from trunkline.calls.call import Call
from trunkline.calls.clips import Sampling
from trunkline.calls.masking import mask, pause, side_of
from trunkline.calls.shelf import Bounds
from trunkline.calls.trace import ladder_rows
from trunkline.facts.heard import LABELS
from trunkline.facts.record import AnswerLabelled, GatewayState, Ladder
from trunkline.node.answers_numbers import Told, take_numbers
from trunkline.node.control import RefusedError, Request
from trunkline.node.settings import SettingsError
from trunkline.policy.problem import nearest
from trunkline.policy.snapshot import Gateway

if TYPE_CHECKING:
    from trunkline.node.serve import Node


SAMPLE_BYTES = 256 << 20
"Of all samples together."


LONGEST_ID = 256
"Characters of a call's id, ours or a dialer's Call-ID."


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
            "apply": self.apply,
            "policy": self.policy,
            "label": self.label,
            "mask": self.mask,
            "pause": self.pause,
            "sample": self.sample,
            "routes": self.routes,
            "numbers": lambda request: take_numbers(self.node, [msgspec.json.decode(fact, type=Told) for fact in request.facts]),
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
                rows.append({"destination": destination, "band": band, **row, "state": refused.code if refused is not None else "takes calls"})
        return rows

    def label(self, request: Request) -> str:
        if request.kind not in LABELS:
            raise RefusedError(f"no such label: {request.kind!r}; one of {', '.join(LABELS)}")
        if not 0 < len(request.call) <= LONGEST_ID:
            raise RefusedError("no such call: its id is a few letters and digits, as `trunkline calls` shows it")
        node = self.node
        now = node.network.now()
        node.core.emit(AnswerLabelled(request.call, node.clock.utc_us(now), request.kind, request.author or "control socket", request.note), now)
        node.commit()  # what is confirmed is on record
        return f"call {request.call} labelled {request.kind}"

    def mask(self, request: Request) -> str:
        """Keys of one side of a call are kept from everybody, and the recording holds silence; or no longer."""
        call = self._held(request)
        side = request.side or side_of(call, request.on)
        if side not in ("caller", "callee"):
            raise RefusedError(f"no such side: {side!r}; caller or callee")
        if call.callee is None:
            raise RefusedError(f"call {call.id} is not answered")
        mask(call, side, request.on, self.node.network.now())
        self.node._woken()  # nothing of it waits for the next message
        if not request.on:
            return f"keys of the {side} of call {call.id} pass again"
        return f"keys of the {side} of call {call.id} are masked" + ("" if call.audio.anchored else "; only those in INFO: its audio does not come by here")

    def pause(self, request: Request) -> str:
        """The recording of a call holds silence from here on, or what is said."""
        call = self._held(request)
        if not call.plan.trunk.record:
            raise RefusedError(f"call {call.id} is not recorded: trunk {call.plan.trunk.name} has no `record: true`")
        pause(call, request.on, self.node.network.now())
        self.node._woken()
        return f"recording of call {call.id} {'is paused' if request.on else 'goes on'}" + (", but its keys are masked" if not request.on and call.masked else "")

    def sample(self, request: Request) -> dict[str, Any]:
        """Keep the first seconds of some answers for labelling, or none any more; how it stands. Without a share or days only the latter."""
        clips = self.node.core.board.clips
        if not request.on:
            clips.sample(None)
        elif request.share > 0:
            if self.node.core.board.studio is None:
                raise RefusedError("nothing is listened to on this node: [media] engine is bypass, or [studio] workers is 0")
            clips.sample(Sampling(min(1.0, request.share), request.seconds, Bounds(request.days, request.count, SAMPLE_BYTES)))
        sampling = clips.sampling
        return {
            "on": sampling is not None, "share": sampling.share if sampling else 0.0, "seconds": sampling.seconds if sampling else 0,
            "most": clips.samples.bounds.files, "days": clips.samples.bounds.days, "kept": clips.samples.count(), "folder": str(clips.samples.folder),
        }  # fmt: skip

    def _held(self, request: Request) -> Call:
        """A call in progress, by our id or by the Call-ID the dialer gave it."""
        calls = self.node.core.board.calls
        named = [one for one in calls.values() if one.source[2] == request.call]
        # A call passed on keeps its dialer's Call-ID for a moment; the one that took it over is meant as soon as it is answered.
        call = calls.get(request.call) or max(named, key=lambda one: one.callee is not None, default=None)
        if call is None:
            raise RefusedError(f"no call {request.call} in progress")
        return call

    def _live(self, call: Call) -> dict[str, Any]:
        plan = call.plan
        return {
            "call": call.id, "at": self.node.clock.utc_us(call.began), "state": call.state.value, "trunk": plan.trunk.name, "called": plan.called,
            "caller": plan.caller, "carrier": call.last[0], "gateway": call.last[1], "attempts": call.position,
            "heard": call.ear.verdict if call.ear is not None else "", "early_heard": call.ear.early if call.ear is not None else "",
            "destination": plan.destination, "metadata": plan.metadata, "masked": [("caller", "callee")[leg > 0] for leg in sorted(call.masked)], "recording_paused": bool(call.paused or call.masked),
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
            "strangers": dict(sorted(core.strangers.items(), key=lambda one: -one[1])[:10]),
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
                "gateway": name, "host": gateway.host, "port": gateway.port, "transport": gateway.transport, "up": condition.up, "drained": condition.drained,
                "registered": condition.registered if gateway.registration else None, "channels": core.limits.used.get(f"gateway {name}", 0),
                "skip": round(share.skip_probability(now), 3) if share else 0.0, "resolved": core.registrar.way(gateway, now) is not None, "paths": self._paths(gateway, now),
            })  # fmt: skip
        return rows

    def _paths(self, gateway: Gateway, now: float) -> list[dict[str, str]]:
        """Every way out to a gateway, where there are several, in the order calls prefer them."""
        places = self.node.places
        flows = places.paths(gateway, now) if len(gateway.local) > 1 else []
        return [{"door": flow.door.name, "local": flow.door.bound, "remote": str(flow), "state": places.state(flow, now)} for flow in flows]

    def _drain(self, request: Request, drained: bool) -> str:
        node, core = self.node, self.node.core
        if not request.gateway:
            node.draining = drained
            core.board.closed = node._why_closed()
            return f"node {node.settings.node.name} {'drains: no new calls' if drained else 'takes calls again'}"
        if request.gateway not in core.decisions.policy.gateways:
            raise RefusedError(f"there is no gateway {request.gateway}; {nearest(request.gateway, core.decisions.policy.gateways)}")
        core.health.condition(request.gateway).drained = drained
        now = node._loop.time()
        core.emit(GatewayState(request.gateway, node.clock.utc_us(now), "drained" if drained else "undrained", request.reason), now)
        node.network.turn(now)  # calls that wait may go, or must wait elsewhere
        return f"gateway {request.gateway} {'drains' if drained else 'takes calls again'}"

    async def reload(self, request: Request) -> dict[str, str]:
        try:
            policy = await self.node.reload(request.author or "control socket", request.reason)
        except SettingsError as error:
            raise RefusedError(f"policy not changed:\n{error}") from error
        return {"policy": policy.version}

    async def apply(self, request: Request) -> dict[str, str]:
        """Put a kept version in force."""
        policies = self.node.policies
        before = policies.in_force.version
        try:
            policy = await policies.apply(request.version, request.author or "control socket", request.reason, request.rollback)
        except SettingsError as error:
            raise RefusedError(f"policy not changed:\n{error}") from error
        return {"policy": policy.version, "before": before}

    def policy(self, request: Request) -> dict[str, Any]:
        """What is in force, where a person edits it, and what was in force before."""
        policies = self.node.policies
        return {"in_force": policies.in_force, "file": str(policies.file), "applied": self.node.core.policies.applied}
