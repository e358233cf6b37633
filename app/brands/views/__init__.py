"""Settings of the controller, brands and senders; and the first-run page."""
