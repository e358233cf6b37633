"""Jobs of campaigns; importing them makes them known to workers."""

from campaigns.tasks import segments, sending, test_send

__all__ = ["segments", "sending", "test_send"]
