"""The web process: ``granian --interface wsgi wsgi:application``; ``flask`` finds it by itself."""

from __future__ import annotations

from app.cli import mount
from app.core.config import Settings
from app.factory import create_app

application = create_app(Settings.from_env())
mount(application)
