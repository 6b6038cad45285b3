"""What all tests share."""

import time

import pytest
from hypothesis import settings

from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.numbers.tn_auth import TnAuth

settings.register_profile("trunkline", deadline=None)  # how long an example takes says more about the machine than about Trunkline
settings.load_profile("trunkline")


@pytest.fixture(scope="session")
def authority() -> LabCa:
    """Who vouches for signers."""
    return LabCa(int(time.time()))


@pytest.fixture(scope="session")
def issued(authority: LabCa) -> Issued:
    """A signer's key and certificate."""
    return authority.issue("SHAKEN 709J", TnAuth(("709J",)))
