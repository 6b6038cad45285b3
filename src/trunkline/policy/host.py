"""Hosts as a policy writes them: a name or address, with or without a port."""

import re
from ipaddress import IPv6Address, ip_address

NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(\.(?!-)[A-Za-z0-9_-]{1,63}(?<!-))*\.?")
DOTTED = re.compile(r"[0-9.]+")


def split_host(text: str) -> tuple[str, int]:
    """Host (an IPv6 address without brackets) and port (0 when none) of `host`, `host:port`, `[v6]:port` or bare v6.

    Raises ValueError with a message for people.
    """
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or not _is_v6(host):
            raise ValueError("no IPv6 address between the brackets")
        return host, _port(rest)
    if _is_v6(text):
        return text, 0
    host, colon, port = text.partition(":")
    if len(host) > 253 or not NAME.fullmatch(host):
        raise ValueError("not a host name or address")
    if DOTTED.fullmatch(host):
        _refuse_half_an_address(host)
    return host, _port(colon + port)


def join_host(host: str, port: int) -> str:
    """`host` or `host:port`, IPv6 in brackets (RFC 3261 section 25.1, hostport)."""
    bracketed = f"[{host}]" if ":" in host else host
    return f"{bracketed}:{port}" if port else bracketed


def _port(text: str) -> int:
    if not text:
        return 0
    digits = text[1:]
    if text[0] == ":" and len(digits) <= 5 and digits.isascii() and digits.isdigit() and 1 <= int(digits) <= 65_535:
        return int(digits)
    raise ValueError("the port is not a number from 1 to 65535")


def _is_v6(text: str) -> bool:
    try:
        return isinstance(ip_address(text), IPv6Address) and "%" not in text
    except ValueError:
        return False


def _refuse_half_an_address(host: str) -> None:
    """`10.0.0` and `10.0.0.256` pass for names and never resolve to what was meant."""
    try:
        ip_address(host)
    except ValueError:
        raise ValueError("not a whole IPv4 address") from None
