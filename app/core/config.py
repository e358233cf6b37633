"""Settings, read from the environment in this one place.

A process serves one deployment: the factory calls ``use`` once and every room reads ``current``.
What is not named in the environment falls back to the embedded engines and generated keys under ``var``.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.errors import InvalidInput

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"


class Settings(BaseSettings):
    """Everything a deployment may set. Environment names are the field names in capitals.

    ``PERMESSO_VAR`` is the folder for data, journals, spools and generated keys; the others are listed in
    ``docs/reference/settings.md``.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    var: Path = Field(default=Path("var"), validation_alias="PERMESSO_VAR")
    database_url: str = ""
    redis_url: str = ""
    smtp_url: str = ""
    base_url: str = ""
    port: int = 8000
    secret_key: str = ""
    secret_key_fallbacks: str = ""  # older keys, comma separated, still accepted when verifying
    suppression_key: str = ""  # permanent: suppression and address digests stand on it
    inbound_maildir: str = ""  # the folder that mail to return-path addresses is delivered to
    trusted_proxies: str = ""  # comma separated addresses whose X-Forwarded-For is believed
    send_connections: int = 4  # SMTP connections of one sending task
    send_parallel: int = 2  # sending tasks at once for one campaign
    spool_fsync: bool = False  # make opens and clicks survive a power cut too, at the price of a disk flush each
    check_mx: bool = False  # ask the DNS whether the domain of an address typed into a form receives mail
    log_format: str = "console"  # or json
    requests_kept_years: int = Field(default=3, ge=1)  # how long a closed request says whose it was
    archive_public_key: str = ""  # seals proofs of the erased; the private key is not here
    archive_years: int = Field(default=5, ge=1)  # how long sealed proofs are kept
    access_log_days: int = Field(default=365, ge=1)  # how long it is kept who looked at whom
    metrics_token: str = ""  # who reads /metrics from elsewhere shows it

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, value: str) -> str:
        """Accept the usual spellings of a PostgreSQL URL and name the driver that is used."""
        for prefix in ("postgres://", "postgresql://"):
            if value.startswith(prefix):
                return "postgresql+psycopg://" + value.removeprefix(prefix)
        return value

    @classmethod
    def from_env(cls) -> Self:
        """Read the environment, then fill what it leaves open from ``var``.

        Raises ``InvalidInput`` naming the variable when a value cannot be used.
        """
        try:
            given = cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).upper()
            raise InvalidInput(f"{name} is {first['input']!r}, which cannot be used: {first['msg']}.") from None
        var = given.var.absolute()
        engines = _engines(var)
        filled = given.model_copy(
            update={
                "var": var,
                "database_url": given.database_url or cls._psycopg(engines.get("database_url", "")),
                "redis_url": given.redis_url or engines.get("redis_url", ""),
                "smtp_url": given.smtp_url or engines.get("smtp_url", ""),
                "base_url": (given.base_url or f"http://localhost:{given.port}").rstrip("/"),
                "inbound_maildir": given.inbound_maildir or str(var / "inbound"),
                "secret_key": given.secret_key or kept_secret(var, "secret_key"),
                "suppression_key": given.suppression_key or kept_secret(var, "suppression_key"),
            }
        )
        scheme = urlsplit(filled.base_url).scheme
        if scheme not in ("http", "https"):
            raise InvalidInput(f"BASE_URL must begin with http:// or https://, not {filled.base_url!r}.")
        if len(filled.secret_key) < 32 or len(filled.suppression_key) < 32:
            raise InvalidInput("SECRET_KEY and SUPPRESSION_KEY must have 32 characters or more.")
        if "*" in filled.trusted_proxies:
            raise InvalidInput(
                "TRUSTED_PROXIES names addresses or networks of proxies, such as 10.0.0.0/8: with * everybody could"
                " choose the address that they seem to come from."
            )
        if filled.archive_public_key and not _is_key(filled.archive_public_key):
            raise InvalidInput("ARCHIVE_PUBLIC_KEY is no key: use what `flask consent archive key` prints.")
        return filled

    @property
    def psycopg_url(self) -> str:
        """The database URL as psycopg itself spells it."""
        return self.database_url.replace("postgresql+psycopg://", "postgresql://", 1)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def _engines(var: Path) -> dict[str, str]:
    """What the local engines wrote about themselves when they started (``var/engines.json``)."""
    try:
        loaded = json.loads((var / "engines.json").read_text())
    except FileNotFoundError:
        return {}
    return {str(key): str(value) for key, value in loaded.items()}


def kept_secret(var: Path, name: str) -> str:
    """Return the key kept in ``var/secrets/<name>``, made at the first call, readable by the owner alone."""
    path = var / "secrets" / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48))
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


_current: Settings | None = None


def use(settings: Settings) -> None:
    """Make ``settings`` those of this process."""
    global _current
    _current = settings


def current() -> Settings:
    """Return the settings of this process; the factory has set them."""
    if _current is None:
        raise RuntimeError("No settings: call app.core.config.use() first, as the factory does.")
    return _current
