"""The Celery process: ``celery -A worker:celery worker`` and ``celery -A worker:celery beat``."""

from __future__ import annotations

from app.core.config import Settings
from app.factory import create_celery

celery = create_celery(Settings.from_env())
