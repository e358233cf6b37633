"""The embedded engines: PostgreSQL and Valkey from wheels, their data under ``var``."""

from app.local.engines.start import Running, running, start

__all__ = ["Running", "running", "start"]
