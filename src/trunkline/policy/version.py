"""The name of a policy: what it says, and nothing else, decides it."""

from collections.abc import Mapping
from hashlib import sha256

Contents = Mapping[str, bytes]
"What files a policy names held, by the name as written."


def version_of(text: str, files: Contents) -> str:
    """Content address of a policy: sha256 over the document and every file it names, first 16 hex digits."""
    digest = sha256(text.encode())
    for name in sorted(files):
        digest.update(b"\0" + name.encode() + b"\0" + sha256(files[name]).digest())
    return digest.hexdigest()[:16]
