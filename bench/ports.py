"""Addresses on loopback that nobody on this machine uses now, so that a benchmark meets no service and no other one."""

import socket
from contextlib import ExitStack
from typing import NamedTuple


class Address(NamedTuple):
    """Where a UDP socket is bound."""

    host: str
    "Dotted quad; always loopback here."
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def free_addresses(count: int) -> list[Address]:
    """Give `count` different addresses. All are held until the last is found, else the kernel may repeat one."""
    found = []
    with ExitStack() as held:
        for _ in range(count):
            one = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            one.bind(("127.0.0.1", 0))
            found.append(Address(*one.getsockname()))
    return found
