"""The contact centre: for now, who is registered."""
