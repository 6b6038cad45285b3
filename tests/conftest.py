"""What all tests share."""

from hypothesis import settings

settings.register_profile("trunkline", deadline=None)  # how long an example takes says more about the machine than about Trunkline
settings.load_profile("trunkline")
