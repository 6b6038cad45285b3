"""Calls: legs, attempts, and the controller between them."""
