"""Use cases that set up the controller, its brands, senders and relays."""
