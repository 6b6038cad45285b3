"""What Trunkline does with each of RFC 4475's messages, and why; `compliance/README.md` is made from this table."""

from pathlib import Path
from random import Random

from msgspec import Struct

from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.flow import Door, Flow

MESSAGES = Path(__file__).parents[3] / "shared" / "judges" / "rfc4475"

POLICY = """
tenants: {t: {}}
trunks:
  t:
    tenant: t
    addresses: [127.0.0.1]
    auth: {user: torture, password: "env:SECRET"}
    registers: true
    number_plan: {min_digits: 3}
carriers: {c: {gateways: {g: {host: "127.0.0.1:5070"}}}}
destinations: {all: {prefixes: [""], strategy: priority, routes: [{to: c}]}}
"""


class Judgement(Struct, frozen=True):
    """One message of the RFC."""

    name: str
    section: str
    asked: str
    "What the RFC asks for."
    does: str
    "First word is what is sent: a status, or `nothing`."
    because: str = ""
    "Why it deviates, or why a message the RFC calls valid is still refused here."


TORTURE = "the called user is no telephone number of this trunk's plan"
J = Judgement
JUDGEMENTS = (
    J("wsinv", "3.1.1.1", "accept", "481 parsed whole; its To tag names a dialog we do not hold"),
    J("intmeth", "3.1.1.2", "accept the method token", "405 with Allow", "an unknown method, well formed"),
    J("esc01", "3.1.1.3", "accept", "484 parsed whole, then refused by number plan", TORTURE),
    J("escnull", "3.1.1.4", "accept", "200 registers both contacts"),
    J("esc02", "3.1.1.5", "the method is not unescaped", "405 with Allow", "RE%47IST%45R is an unknown method"),
    J("lwsdisp", "3.1.1.6", "accept", "200 to OPTIONS"),
    J("longreq", "3.1.1.7", "accept", "484 parsed whole, then refused by number plan", TORTURE),
    J("dblreq", "3.1.1.8", "ignore what follows Content-Length", "200 to the first; the rest of the datagram is ignored"),
    J("semiuri", "3.1.1.9", "accept", "200 to OPTIONS"),
    J("transports", "3.1.1.10", "accept", "200 to OPTIONS"),
    J("mpart01", "3.1.1.11", "accept", "405 with Allow", "MESSAGE outside a call has nowhere to go here"),
    J("unreason", "3.1.1.12", "accept", "nothing: a 200 to no INVITE of ours"),
    J("noreason", "3.1.1.13", "accept", "nothing: a provisional response to no INVITE of ours"),
    J("badinv01", "3.1.2.1", "400", "400"),
    J("clerr", "3.1.2.2", "400 over UDP", "400"),
    J("ncl", "3.1.2.3", "400", "400"),
    J("scalar02", "3.1.2.4", "400", "400"),
    J("scalarlg", "3.1.2.5", "discard the response", "nothing"),
    J("quotbal", "3.1.2.6", "400", "400"),
    J("ltgtruri", "3.1.2.7", "400", "400"),
    J("lwsruri", "3.1.2.8", "400", "400"),
    J("lwsstart", "3.1.2.9", "400, or be lenient", "400"),
    J("trws", "3.1.2.10", "400, or be lenient", "400"),
    J("escruri", "3.1.2.11", "400, or be lenient", "484 the escaped headers are ignored", "lenient: only the user part is used"),
    J("baddate", "3.1.2.12", "400, or ignore the Date", "484 the Date is not read", "lenient: nothing depends on Date"),
    J("regbadct", "3.1.2.13", "400", "400"),
    J("badaspec", "3.1.2.14", "400, or be lenient", "200 to OPTIONS", "lenient: the spaces inside < > are dropped"),
    J("baddn", "3.1.2.15", "400, or be lenient", "400"),
    J("badvers", "3.1.2.16", "505", "505"),
    J("mismatch01", "3.1.2.17", "400", "400"),
    J("mismatch02", "3.1.2.18", "400 or 501", "400"),
    J("bigcode", "3.1.2.19", "discard", "nothing"),
    J("badbranch", "3.2.1", "treat as RFC 2543, do not mistake it for another", "200 to OPTIONS"),
    J("insuf", "3.3.1", "400", "400"),
    J("unkscm", "3.3.2", "416", "416"),
    J("novelsc", "3.3.3", "416", "416"),
    J("unksm2", "3.3.4", "the unknown scheme in To/From is no reason to refuse", "200"),
    J("bext01", "3.3.5", "420 with Unsupported", "420 with Unsupported"),
    J("invut", "3.3.6", "415 with Accept", "415 with Accept"),
    J("regaut01", "3.3.7", "401 or 403 for an unknown scheme", "200", "the source address identifies this trunk; the credentials are not needed"),
    J("multi01", "3.3.8", "400", "400"),
    J("mcl01", "3.3.9", "400", "400"),
    J("bcast", "3.3.10", "discard", "nothing"),
    J("zeromf", "3.3.11", "483, or answer as the target", "200 as the target"),
    J("cparam01", "3.3.12", "ignore the parameter", "200"),
    J("cparam02", "3.3.13", "ignore the parameter", "200"),
    J("regescrt", "3.3.14", "keep the escaped Route in the contact", "200"),
    J("sdp01", "3.3.15", "406, 488 or pass on", "484 parsed whole, then refused by number plan", TORTURE),
    J("inv2543", "3.4.1", "accept", "484 parsed whole, then refused by number plan", TORTURE),
)


def judge(data: bytes) -> str:
    """What a fresh node sends first when it gets this message from a trunk: a status, `request` or `nothing`."""
    policy = load_policy(POLICY, environment={"SECRET": "a-long-enough-secret-1"})
    assert isinstance(policy, Snapshot), policy
    trunks, carriers = Door("trunks", "udp", "127.0.0.1", 5060), Door("carriers", "udp", "127.0.0.1", 5080)
    facts: list[Fact] = []
    core = Core(policy, StaticPlaces({"udp": carriers}), facts.append, Clock(0.0, 0), Random(1))
    core.receive(data, Flow(trunks, ("127.0.0.1", 5061)), 10.0)
    sent = [message for _, message in core.datagrams_to_send()]
    if not sent:
        return "nothing"
    return sent[0].split(b" ")[1].decode() if sent[0].startswith(b"SIP/2.0") else "request"


def page() -> str:
    """compliance/README.md."""
    lines = [
        "# How Trunkline does against outside judges", "",
        "## RFC 4475, SIP torture test messages", "",
        "All 49 messages, sent to a node by a trunk it knows. Made from `tests/compliance/rfc4475.py`, where a test holds every row.", "",
        "| message | section | the RFC asks | Trunkline | why |", "|---|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {j.name} | {j.section} | {j.asked} | {j.does} | {j.because} |" for j in JUDGEMENTS]
    lines += [
        "", "## Others", "",
        "- SIPp 3.6, baresip 1.0, Kamailio 5.6: `tests/counterparts/`, run by `make test`, in full by `make verify`.",
        "- hypothesis and atheris: `tests/compliance/test_fuzz.py`, `compliance/fuzz.py`. Whatever arrives, the answer is a value or a refusal.", "",
        "## Deviations on purpose", "",
        "- Responses go to the address the request came from even without `rport` (RFC 3581 makes it optional).",
        "- Our 200 is repeated by the transaction, not by the transaction user (RFC 3261 13.3.1.4); on the wire it is the same.",
        "- In-dialog requests to a Contact that is a host name go where the last message came from.",
        "- A body that is not SDP, multipart included, is answered 415 in an INVITE.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
