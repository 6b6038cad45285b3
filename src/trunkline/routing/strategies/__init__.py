"""Strategies: in which order a call's routes are tried.

`priority` and `percentage` live in `routing.candidates`, for they need nothing but the policy; the others are here.
"""
