"""Certificates and the errors of opening a door."""

import ssl
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from trunkline.sip.flow import Address

PeerNames: TypeAlias = dict[Address, tuple[str, bool]]
"By address: the name a certificate must be valid for, and whether to insist on it."


class ListenError(Exception):
    """A door could not be opened; the text names the fix."""


class TlsSettings(Struct, frozen=True):
    """Certificates of a node, both roles."""

    certificate: str = ""
    "PEM file with our chain; needed to accept TLS and WSS."
    key: str = ""
    authority: str = ""
    "PEM file with the authorities we trust; empty takes the system's."
    require_client: bool = False
    "Mutual TLS: a client without a certificate of `authority` is refused."

    def server(self) -> ssl.SSLContext:
        """Context for doors. Raises ListenError when certificate or key cannot be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.certificate or not Path(self.certificate).is_file():
            raise ListenError(f"TLS certificate {self.certificate or '(none)'} not found: set [tls] certificate and key in trunkline.toml")
        try:
            context.load_cert_chain(self.certificate, self.key or None)
            if self.authority:
                context.load_verify_locations(self.authority)
        except (ssl.SSLError, OSError) as error:
            raise ListenError(f"TLS certificate {self.certificate} cannot be used: {error}") from error
        if self.require_client:
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, verify: bool = True) -> ssl.SSLContext:
        """Context for connections we open."""
        context = ssl.create_default_context(cafile=self.authority or None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key or None)
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context
