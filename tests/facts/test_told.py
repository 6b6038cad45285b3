"""What dialers make of what they are told: nothing of ours may look like a dead number."""

import pytest

from trunkline.facts.refusal import CATALOGUE, Result
from trunkline.facts.told import PROFILES, told

ASTERISK_CAUSE = {
    400: 127, 401: 21, 403: 21, 404: 1, 407: 21, 408: 18, 410: 1, 480: 19, 481: 127, 482: 127, 483: 19, 484: 28, 485: 1, 486: 17, 487: 127,
    488: 58, 500: 38, 501: 21, 502: 27, 503: 34, 504: 102, 600: 17, 603: 21, 604: 1, 606: 58,
}  # fmt: skip
"SIP status -> the Q.850 cause Asterisk makes of it."

VICIDIAL_DEAD = {1, 19, 21, 34, 38}
"Causes that VICIdial files as a disconnected number."

OURS = [result for result in Result if result not in (Result.VACANT, Result.UNAUTHENTICATED)]


@pytest.mark.parametrize("result", OURS)
def test_vicidial_never_files_a_lead_as_dead_unless_the_number_is_vacant(result: Result) -> None:
    answer = told("vicidial", result)
    assert ASTERISK_CAUSE[answer.status] not in VICIDIAL_DEAD
    assert answer.cause not in VICIDIAL_DEAD


@pytest.mark.parametrize("result", OURS)
def test_asterisk_never_hears_of_an_unallocated_number_unless_it_is_one(result: Result) -> None:
    assert ASTERISK_CAUSE[told("asterisk", result).status] != 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_vacant_number_looks_vacant_to_everybody(profile: str) -> None:
    assert told(profile, Result.VACANT).status == 404


@pytest.mark.parametrize("profile", PROFILES)
def test_only_our_own_overload_may_say_503(profile: str) -> None:
    says_503 = {result for result in Result if told(profile, result).status == 503}
    assert says_503 <= {Result.OVERLOAD, Result.LIMITED}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_result_has_an_answer(profile: str) -> None:
    assert set(PROFILES[profile]) == set(Result)


def test_every_refusal_says_what_to_do_about_it() -> None:
    assert all(refusal.text.endswith(".") and len(refusal.text) > 20 for refusal in CATALOGUE.values())
