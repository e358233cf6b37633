"""Jobs of campaigns; importing them makes them known to workers."""

from campaigns.tasks import sending, test_send

__all__ = ["sending", "test_send"]
