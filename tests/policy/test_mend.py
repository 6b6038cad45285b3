"""One look finds what is wrong, and says nothing that only follows from it."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from tests.policy.conftest import ENVIRONMENT, GOOD

from trunkline.policy.document import Document
from trunkline.policy.load import check_policy, read_policy
from trunkline.policy.problem import spelled

RICH = """\
tenants: {lab: {channels: 100}, other: {channels: 50}}
trunks:
  dialer: {tenant: lab, addresses: [192.0.2.1], guaranteed: 10, metadata: {campaign: "header:X-Campaign", zone: "header:X-Zone"}}
  office: {tenant: lab, kind: pbx, host: 192.0.2.9, addresses: [192.0.2.9], emergency: {callback: "+14155550111"}}
carriers:
  alpha: {channels: 80, guaranteed: {lab: 10}, defaults: {timers: {no_answer: 60s}}, gateways: {main: {host: 192.0.2.2}, back: {host: 192.0.2.3, weight: 2}}}
  beta: {gateways: {main: {host: 192.0.2.4}}}
destinations:
  us: {countries: [US], strategy: percentage, routes: [{to: alpha/main, share: 60}, {to: beta, share: 40}]}
  world: {prefixes: [""], routes: [{to: alpha}, {to: beta/main}]}
bands: {morning: {begins: "08:00", ends: "12:00"}}
dids: {"+14155550100": {trunks: [office]}}
emergency: {numbers: ["911", "933"], test_numbers: ["933"], routes: [beta, alpha]}
currency: USD
currencies: {EUR: 1.08}
compliance: {callee_zone: dialer, rules: {evening: {tenants: [lab], campaigns: [debt], windows: [{begins: "09:00", ends: "20:00"}]}}, exempt: {trunks: [office]}}
retries: {patient: {destinations: [us], counted: campaign, after: {busy: 15m}, caps: [{calls: 3, within: 24h}]}}
pools: {us-sales: {per_day: 80, callback: [office]}}
attestation: {sign: {lab: {x5u: "https://cert.example/a.pem", private_key: "env:KEY"}}}
"""
WRONG = [{"nonsense": 1}, "no such word at all, by far", -7, [[1]], None]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every value of a document, section or leaf."""
    for part, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*path, part)
        yield from places(inner, (*path, part))


def with_(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(data)
    inner = changed
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return changed


DOCUMENTS = [(text, path) for text in (GOOD, RICH) for path in places(yaml.safe_load(text))]


def test_the_rich_document_is_good() -> None:
    found = read_policy(RICH)
    assert not isinstance(found, list), [str(problem) for problem in found]


@pytest.mark.parametrize(("text", "path"), DOCUMENTS, ids=lambda given: spelled(given) if isinstance(given, tuple) else "")
def test_a_value_that_cannot_be_read_brings_up_nothing_else(text: str, path: tuple[Any, ...]) -> None:
    """Wherever it stands; a value that can be read is none of this test."""
    data, here = yaml.safe_load(text), spelled(path)
    for wrong in WRONG:
        changed = with_(data, path, wrong)
        if _can_be_read(changed) or (len(path) == 1 and isinstance(wrong, dict)):  # all names of a section are others now: that they are missed is true
            continue
        found = read_policy(yaml.safe_dump(changed, sort_keys=False))
        assert isinstance(found, list)
        strange = [str(problem) for problem in found if not (problem.path.startswith(here) or here.startswith(problem.path))]
        assert not strange, (wrong, strange)


def _can_be_read(data: Any) -> bool:
    try:
        Document.model_validate(data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("text", "path"), [entry for entry in DOCUMENTS if len(entry[1]) > 2], ids=lambda given: spelled(given) if isinstance(given, tuple) else "")
def test_a_fault_elsewhere_is_found_beside_one_of_shape(text: str, path: tuple[Any, ...]) -> None:
    """An unknown tenant at a trunk of its own is told of, whatever else cannot be read."""
    data = yaml.safe_load(text)
    data["trunks"]["late"] = {"tenant": "nobody-like-it", "addresses": ["198.51.100.200"]}
    found = read_policy(yaml.safe_dump(with_(data, path, {"nonsense": 1}), sort_keys=False))
    assert isinstance(found, list)
    assert "trunks.late.tenant" in {problem.path for problem in found}
    assert len(found) > 1


def test_secrets_are_looked_for_in_a_document_with_faults() -> None:
    found = check_policy(GOOD.replace("channels: 500", "channels: many"), environment={**ENVIRONMENT, "BETA": ""})
    assert isinstance(found, list)
    assert [problem.path for problem in found] == ["tenants.acme.channels", "carriers.beta.gateways.main.auth.password"]


def test_a_section_nobody_knows_may_be_the_one_that_is_missing() -> None:
    (problem,) = found if isinstance(found := read_policy(GOOD.replace("carriers:", "providers:")), list) else ()
    assert problem.path == "providers"


def test_a_name_that_is_written_twice_may_be_the_one_that_is_missing() -> None:
    (problem,) = found if isinstance(found := read_policy(GOOD.replace("  beta:\n", "  alpha:\n")), list) else ()
    assert problem.path == "carriers.alpha"


def test_what_is_no_document_at_all_is_told_of_alone(tmp_path: Path) -> None:
    for text in ("[1, 2]", "yes", "tenants: 5\ncarriers: 7\ntrunks: x\ndestinations: []\n"):
        assert isinstance(read_policy(text), list)
