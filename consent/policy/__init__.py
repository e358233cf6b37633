"""Pure decisions about permission: the ladder, what may follow what, the chain. No I/O."""
