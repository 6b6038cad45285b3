"""Trunkline: the carrier layer between a contact centre's dialers and its carriers."""

from trunkline._compiled import choose

__version__ = "0.1.0"

compiled = choose()
"The call path runs as machine code (`compile.py`), not as plain Python."
