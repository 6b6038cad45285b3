"""The node: the signalling core put together, and the process around it."""
