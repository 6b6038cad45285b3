"""What the INVITE to a carrier says: its own number formats, none of the dialer's headers, nothing of the inside (rows T4, T18, G8)."""

from datetime import UTC, datetime

from trunkline.calls.invitation import Invitation
from trunkline.decide.plan import Plan, Way
from trunkline.numbering import render, render_caller
from trunkline.numbering.location import described
from trunkline.policy.snapshot import Gateway


def invitation(
    plan: Plan, gateway: Gateway, way: Way, sdp: bytes, max_forwards: int, session_id: str, signature: str = ""
) -> tuple[Invitation, str, str]:
    """The INVITE for this gateway, and the called and caller numbers as rendered."""
    user, to_user = render(plan.called, gateway.called) if plan.called else (plan.called_raw, plan.called_raw)
    wanted = plan.shown.get(gateway.carrier, gateway.caller)
    caller = render_caller(plan.caller, wanted)
    host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
    where = f"{host}:{gateway.port}" if gateway.port else host
    phone = ";user=phone" if gateway.called.phone_param else ""
    domain = gateway.from_domain or way.flow.door.sent_by.rpartition(":")[0]
    extra = f"Session-ID: {session_id};remote=00000000000000000000000000000000\r\n{signature}"
    verstat = f";verstat={plan.verstat}" if plan.verstat else ""
    asserted = f"<sip:{caller}{verstat}@{domain}>"
    # A trunk gets no network-asserted identity: a private caller stays unknown to it (RFC 3325 section 7).
    header = wanted.header if gateway.carrier else ""
    hidden = plan.private or wanted.anonymous_from
    if header == "pai" or (hidden and header == "from"):
        extra += f"P-Asserted-Identity: {asserted}\r\n"
    elif header == "rpid":
        extra += f"Remote-Party-ID: {asserted};party=calling;screen=yes;privacy={'full' if plan.private else 'off'}\r\n"
    elif header == "diversion":
        extra += f"Diversion: {asserted};reason=unconditional\r\n"
    kind, body = "", b""
    if plan.emergency:  # who answers must see who calls and where, and be able to call back (RFC 6881 section 9)
        hidden, moment = False, f"{datetime.fromtimestamp(plan.decision.at / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
        lines, kind, body = described(plan.trunk.emergency, sdp, asserted[1:-1], moment, session_id)
        extra += lines if header == "pai" else f"P-Asserted-Identity: {asserted}\r\n{lines}"
    if plan.private:
        extra += "Privacy: id\r\n"
    if gateway.carrier:
        extra += "P-Early-Media: supported\r\n"  # RFC 5009
    else:  # a trunk is told whom the caller returns a call to
        extra += "".join([f"X-Trunkline-{name.capitalize()}: {value}\r\n" for name, value in plan.metadata.items()])
    if hidden:
        sender = '"Anonymous" <sip:anonymous@anonymous.invalid>'
    elif plan.display:
        sender = f'"{plan.display}" {asserted}'
    else:
        sender = asserted
    return (
        Invitation(
            way.target or f"sip:{user}@{where}{phone}",
            sender,
            f"<sip:{to_user}@{domain if way.target else where}{phone}>",
            extra,
            sdp,
            max_forwards,
            way.flow,
            way.large,
            gateway.auth,
            gateway.rel100,
            gateway.session_expires_s,
            kind if body != sdp else "",
            body if body != sdp else b"",
        ),
        user,
        caller,
    )
