"""The controller of this deployment and its brands: senders, sending domains, relays, look and policy."""
