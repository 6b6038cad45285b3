"""Spoken prompts of the lab, as G.711 files; README.md says how they were made, `remake` makes them again."""
