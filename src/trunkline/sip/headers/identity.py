"""Identity: a signed caller (RFC 8224 section 4.1).

The signature is kept as it came; whether it holds is not a matter of grammar.
"""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import QUOTED, is_token, parse_params, quote, render_params, unquote, without
from trunkline.sip.uri import Params, lookup

_PASSPORT = re.compile(rf"[ \t]*+([A-Za-z0-9._~+/=-]++|{QUOTED})[ \t]*+(?=;|\Z)")


class Identity(Struct, frozen=True, gc=False):
    """One signed PASSporT and where its certificate lies."""

    passport: str
    "Full form `header.claims.signature` or compact form `..signature`."
    info: str = ""
    "URI of the certificate; empty when missing, which a verifier answers with 436."
    alg: str = ""
    "ES256 as a rule; empty when not stated."
    ppt: str = ""
    "PASSporT type: shaken, div, rcd ...; empty for the base type."
    params: Params = ()

    def __str__(self) -> str:
        info = f";info=<{self.info}>" if self.info else ""
        alg = f";alg={self.alg}" if self.alg else ""
        ppt = f";ppt={quote(self.ppt)}" if self.ppt else ""
        return f"{self.passport}{info}{alg}{ppt}{render_params(self.params)}"

    @property
    def is_compact(self) -> bool:
        """Whether header and claims are left for the verifier to rebuild (RFC 8225 section 7)."""
        return self.passport.startswith("..")


def parse_identity(text: str) -> Identity | Fault:
    found = _PASSPORT.match(text)
    if found is None:
        return Fault("Bad Identity Header", "Identity", 436)
    params = parse_params(text, found.end())
    if isinstance(params, Fault):
        return Fault("Bad Identity Header", "Identity", 436)
    info, alg, ppt = (unquote(lookup(params, name) or "") for name in ("info", "alg", "ppt"))
    if alg and not is_token(alg):
        return Fault("Bad Identity Header", "Identity", 436)
    return Identity(found[1], info.removeprefix("<").removesuffix(">"), alg, ppt, without(params, "info", "alg", "ppt"))
