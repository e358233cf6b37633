"""Open and click endpoints, the spool, draining, classification and folding."""
