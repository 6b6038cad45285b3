"""Secrets: the policy holds references, the environment and files hold the words."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from trunkline.policy.attestation import keys_of
from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location
from trunkline.policy.trunks import Auth


def users(document: Document) -> Iterator[tuple[Location, Auth]]:
    """Every digest user of the document and where it is written."""
    for name, trunk in document.trunks.items():
        if trunk.auth:
            yield ("trunks", name, "auth"), trunk.auth
    for name, carrier in document.carriers.items():
        if carrier.defaults.auth:
            yield ("carriers", name, "defaults", "auth"), carrier.defaults.auth
        for point, gateway in carrier.gateways.items():
            if gateway.auth:
                yield ("carriers", name, "gateways", point, "auth"), gateway.auth


def references(document: Document) -> Iterator[tuple[Location, str]]:
    """Every reference to a secret and where it is written."""
    for path, auth in users(document):
        yield (*path, "password"), auth.password
    for path, signing in keys_of(document):
        yield (*path, "private_key"), signing.private_key
    for name, dip in document.dips.items():
        for header, reference in dip.headers.items():
            yield ("dips", name, "headers", header), reference


def resolve(document: Document, environment: Mapping[str, str], base: Path) -> tuple[dict[str, str], list[Finding]]:
    """Reference -> secret for all that could be had, and a finding for each that could not."""
    secrets: dict[str, str] = {}
    findings: list[Finding] = []
    for path, reference in references(document):
        kind, _, name = reference.partition(":")
        try:
            secret = environment.get(name, "") if kind == "env" else (base / name).read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            problem, fix = f"cannot read {name}: {error.strerror}", "create the file, readable by Trunkline's user only"
        except UnicodeDecodeError:
            problem, fix = f"{name} is not UTF-8 text", "write the password alone into the file, as text"
        else:
            if secret:
                secrets[reference] = secret
                continue
            problem = f"the environment has no {name}" if kind == "env" else f"{name} is empty"
            fix = f"set {name} before starting" if kind == "env" else "write the password alone into the file"
        findings.append(Finding(path, problem, fix, alone=True))
    return secrets, findings
