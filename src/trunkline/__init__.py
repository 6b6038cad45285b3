"""Trunkline: the carrier layer between a contact centre's dialers and its carriers."""

__version__ = "0.1.0"
