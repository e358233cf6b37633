"""Long-lived parts of tracking: the endpoint, the spool, the drainer and the folder."""
