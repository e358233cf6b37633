"""Settings come from the environment, or from what is kept under ``var``."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core import config, ids
from app.core.config import Settings
from app.core.errors import EngineUnavailable, InvalidInput
from app.core.secrets import address_key, seal, unseal


@pytest.mark.parametrize("prefix", ["postgres://", "postgresql://", "postgresql+psycopg://"])
def test_any_spelling_of_a_url_will_do(settings: Settings, monkeypatch: pytest.MonkeyPatch, prefix: str) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{prefix}u:p@h/d")
    made = Settings.from_env()
    assert made.database_url == "postgresql+psycopg://u:p@h/d"
    assert made.psycopg_url == "postgresql://u:p@h/d"


def test_generated_keys_last_and_are_private(settings: Settings) -> None:
    again = Settings.from_env()
    assert (again.secret_key, again.suppression_key) == (settings.secret_key, settings.suppression_key)
    assert (settings.var / "secrets" / "secret_key").stat().st_mode & 0o077 == 0


def test_a_short_key_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "short")
    with pytest.raises(InvalidInput, match="32 characters"):
        Settings.from_env()


def test_a_host_keeps_its_name(tmp_path: Path) -> None:
    assert ids.host_id(tmp_path) == ids.host_id(tmp_path)


def test_a_sealed_secret_opens_under_its_key_alone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = seal(b"pem")
    assert b"pem" not in sealed and unseal(sealed) == b"pem"

    config.use(settings.model_copy(update={"secret_key": "o" * 40}))
    with pytest.raises(EngineUnavailable, match="SECRET_KEY_FALLBACKS"):
        unseal(sealed)


def test_address_keys_do_not_follow_the_secret_key(settings: Settings) -> None:

    before = address_key("ada@example.com")
    config.use(settings.model_copy(update={"secret_key": "o" * 40}))
    assert address_key("ada@example.com") == before
