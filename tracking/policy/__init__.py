"""Pure decisions of tracking: what a hit is, what its client is, who made it."""
