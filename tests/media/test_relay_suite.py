"""The suite of behaviours, over every engine of `conftest`."""

import pytest

from tests.media.engine_suite import *  # noqa: F403

pytestmark = pytest.mark.sockets
