"""The answer to rtpengine's offer of a copy: the same formats, received at an address of ours."""


def accept_copy(offer: bytes, host: str, port: int) -> bytes:
    """SDP (RFC 8866) that takes all an offer has at `host` and `port`, receiving only."""
    family = "IP6" if ":" in host else "IP4"
    lines: list[str] = []
    for line in offer.decode("utf-8", "replace").splitlines():
        if line.startswith("m=audio "):
            kind, _, rest = line.split(" ", 2)
            lines.append(f"{kind} {port} {rest}")
        elif line.startswith("c="):
            lines.append(f"c=IN {family} {host}")
        elif line == "a=sendonly":
            lines.append("a=recvonly")
        elif not line.startswith("a=rtcp:"):
            lines.append(line)
    return "".join(f"{line}\r\n" for line in lines).encode()
