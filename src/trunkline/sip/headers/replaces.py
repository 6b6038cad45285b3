"""Replaces: a call that takes another one's place (RFC 3891 section 6.1), alone or in a Refer-To URI (RFC 5589)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import parse_params, render_params, without
from trunkline.sip.uri import Params, Uri, lookup

_CALL_ID = re.compile(r'[ \t]*+([^\x00-\x20\x7f;,]++)[ \t]*+(?=;)')
_FAULT = Fault("Bad Replaces", "Replaces")


class Replaces(Struct, frozen=True, gc=False):
    """The dialog to be replaced, as its far end names it."""

    call_id: str
    to_tag: str
    from_tag: str
    early_only: bool = False
    "Replace only a dialog that is not yet confirmed."
    params: Params = ()

    def __str__(self) -> str:
        early = ";early-only" if self.early_only else ""
        return f"{self.call_id};to-tag={self.to_tag};from-tag={self.from_tag}{early}{render_params(self.params)}"


def parse_replaces(text: str) -> Replaces | Fault:
    found = _CALL_ID.match(text)
    if found is None:
        return _FAULT
    params = parse_params(text, found.end())
    if isinstance(params, Fault):
        return _FAULT
    to_tag, from_tag = lookup(params, "to-tag"), lookup(params, "from-tag")
    if not to_tag or not from_tag:
        return _FAULT
    early_only = lookup(params, "early-only") is not None
    return Replaces(found[1], to_tag, from_tag, early_only, without(params, "to-tag", "from-tag", "early-only"))


def replaces_in(uri: Uri) -> Replaces | Fault | None:
    """Replaces carried escaped in the target of a REFER; None when the transfer is a blind one."""
    value = uri.header("replaces")
    return None if value is None else parse_replaces(value)
