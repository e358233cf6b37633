"""What others may know of the controller, its brands and how they send."""
