"""Session-Expires and Min-SE: session timers (RFC 4028 sections 4 and 5)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import parse_number, parse_params, render_params, without
from trunkline.sip.uri import Params, lookup

_DELTA = re.compile(r"[ \t]*+([0-9]{1,20})[ \t]*+(?=;|\Z)")


class SessionExpires(Struct, frozen=True, gc=False):
    """How long a session lives without a refresh."""

    seconds: int
    refresher: str = ""
    "`uac` or `uas`, as seen by the request that negotiates; empty when left to the other side."
    params: Params = ()

    def __str__(self) -> str:
        refresher = f";refresher={self.refresher}" if self.refresher else ""
        return f"{self.seconds}{refresher}{render_params(self.params)}"


class MinSE(Struct, frozen=True, gc=False):
    """Shortest session interval somebody on the path accepts."""

    seconds: int
    params: Params = ()

    def __str__(self) -> str:
        return f"{self.seconds}{render_params(self.params)}"


def parse_session_expires(text: str) -> SessionExpires | Fault:
    read = _parse_delta(text)
    if read is None:
        return Fault("Bad Session-Expires", "Session-Expires")
    seconds, params = read
    refresher = (lookup(params, "refresher") or "").lower()
    if refresher not in ("", "uac", "uas"):
        return Fault("Bad Session-Expires", "Session-Expires")
    return SessionExpires(seconds, refresher, without(params, "refresher"))


def parse_min_se(text: str) -> MinSE | Fault:
    read = _parse_delta(text)
    return Fault("Bad Min-SE", "Min-SE") if read is None else MinSE(*read)


def _parse_delta(text: str) -> tuple[int, Params] | None:
    found = _DELTA.match(text)
    if found is None:
        return None
    seconds = parse_number(found[1])
    params = parse_params(text, found.end())
    return None if seconds is None or isinstance(params, Fault) else (seconds, params)
