"""What every template may use: assets, dates and numbers in the reader's language, the signed-in person."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode
from zoneinfo import ZoneInfo

import flask_babel
from babel import Locale
from babel.numbers import format_compact_decimal
from flask import Flask, current_app, g, has_request_context, request, url_for

from app.accounts.forms import ROLES
from app.accounts.policy import Role
from app.accounts.views.guard import find_user
from app.accounts.views.language import select as language_of_request
from app.core import clock
from app.web import navigation
from app.web.states import state_name

DASH = "–"


def install(app: Flask) -> None:
    """Give the templates of ``app`` their functions and filters."""
    app.jinja_env.globals.update(
        can=can,
        has_endpoint=lambda name: name in app.view_functions,
        settings_tabs=navigation.settings_tabs,
        today=lambda: flask_babel.format_date(clock.now(), "full"),
        asset=lambda name: url_for("static", filename=asset_name(name)),
        navigation=navigation.sections,
        role_name=lambda role: ROLES[role],
        state_name=state_name,
        style_nonce=style_nonce,
        with_language=with_language,
    )
    app.jinja_env.filters.update(
        ago=ago, compact=compact, date=day, datetime=moment, given=given, money=money, number=number, percent=percent
    )
    app.jinja_env.filters.update(country_name=country_name, language_name=language_name)
    app.context_processor(lambda: {"language": language(), "language_tag": language_tag(), "current_user": find_user()})


def asset_name(name: str) -> str:
    """Return the file name of a built asset, which holds the hash of its content."""
    static = Path(current_app.static_folder or "")
    return str(_manifest(static, _written(static)).get(name, name))


def can(role: str) -> bool:
    """Say whether the signed-in person's role reaches ``role``, to hide what would be refused."""
    user = find_user()
    return user is not None and user.role.reaches(Role(role))


def language() -> str:
    """Return the language of this page."""
    chosen = flask_babel.get_locale()
    return str(chosen.language) if chosen else "en"


def language_tag() -> str:
    """Return the language of this page as HTML names it: "en-GB", "fr"."""
    return str(flask_babel.get_locale() or "en").replace("_", "-")


def locale() -> str:
    """Return the locale of this page (Flask-Babel's locale selector): English dates are British, unless the browser
    asks for American ones first."""
    chosen = language_of_request()
    if chosen != "en":
        return chosen
    if not has_request_context():  # a command
        return "en_GB"
    return "en_US" if request.accept_languages.best == "en-US" else "en_GB"


def time_zone() -> str | None:
    """Return the reader's time zone, which the browser told by a cookie (Flask-Babel's time zone selector)."""
    told = unquote(request.cookies.get("tz", ""))
    return told if told in clock.time_zones() else None


def style_nonce() -> str:
    """Return the nonce by which this page may add style sheets from a script; asking for it allows them."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return str(g.style_nonce)


def with_language(code: str) -> str:
    """Return the URL of this page in another language."""
    here = url_for(request.endpoint or "home.index", **((request.view_args or {}) | {"lang": None}))
    # The query is added by hand: among the arguments of url_for, ``_scheme`` and the like mean something.
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
    return f"{here}?{urlencode([*kept, ('lang', code)])}"


def given(values: Mapping[str, object]) -> dict[str, object]:
    """Leave out what is None, for attributes that are absent rather than empty."""
    return {key: value for key, value in values.items() if value is not None}


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """1234.5 → "1,234.5", with at most ``digits`` decimals."""
    return DASH if value is None else str(flask_babel.format_decimal(round(value, digits) if digits else round(value)))


def compact(value: float | None) -> str:
    """1240000 → "1.24M"."""
    if value is None:
        return DASH
    if value < 100_000:
        return number(value)
    return str(format_compact_decimal(value, locale=flask_babel.get_locale(), fraction_digits=2))


def percent(value: float | None, digits: int = 1) -> str:
    """0.0382 → "3.8%"."""
    if value is None:
        return DASH
    pattern = f"0.{'0' * digits}%" if digits else "0%"
    if language() == "fr":
        pattern = pattern.replace("%", "\u202f%")
    return str(flask_babel.format_percent(value, pattern))


def money(value: Decimal | float | None, currency: str) -> str:
    """12.5, "EUR" → "€12.50"."""
    return DASH if value is None else str(flask_babel.format_currency(value, currency))


def country_name(code: str | None) -> str:
    """Return a country (ISO 3166) in the reader's language; a code that CLDR does not know stays as it is."""
    return str(Locale(language()).territories.get(code, code)) if code else DASH


def language_name(code: str | None) -> str:
    """Return a language (ISO 639) in the reader's language; a code that CLDR does not know stays as it is."""
    return str(Locale(language()).languages.get(code, code)) if code else DASH


def day(value: date | datetime | str | None, style: str = "medium") -> str:
    """Return a date, also one in ISO text, in the reader's language and zone."""
    read = date.fromisoformat(value) if isinstance(value, str) else value
    return DASH if read is None else str(flask_babel.format_date(read, style))


def moment(value: datetime | None, style: str = "medium") -> str:
    """Return date and time in the reader's language and zone; ``style`` short, medium, long or full."""
    if value is None:
        return DASH
    if style == "medium":
        return f"{flask_babel.format_date(value, 'medium')}, {flask_babel.format_time(value, 'short')}"
    return str(flask_babel.format_datetime(value, style))


def ago(value: datetime | None) -> str:
    """Return how long ago (or until) ``value`` is: "3 minutes ago"."""
    if value is None:
        return DASH
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    return str(flask_babel.format_timedelta(aware - clock.now(), add_direction=True))


def _written(static: Path) -> int:
    try:
        return (static / "manifest.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=2)
def _manifest(static: Path, written: int) -> dict[str, Any]:
    """Names of the built assets; empty before the first ``npm run build``."""
    if not written:
        return {}
    loaded = json.loads((static / "manifest.json").read_text())
    return dict(loaded)


def zone() -> ZoneInfo:
    """Return the reader's time zone, UTC when it is not known."""
    return ZoneInfo(time_zone() or "UTC")
