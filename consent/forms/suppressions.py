"""The forms of suppressions: one by hand, and a list."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import DateField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.brands.queries.brands import BrandInfo
from app.core import clock
from consent.forms.names import REASON_NAMES
from consent.policy.terms import SuppressionTerms
from consent.queries.topics import TopicInfo
from consent.services.lists import REASONS


class TermsForm(FlaskForm):  # type: ignore[misc]
    """For what, until when, and why."""

    scope = SelectField(_("For"), default="all")
    until = DateField(_("Until"), validators=[Optional()], description=_("Blank: for good."))
    source = StringField(
        _("Why, or where it comes from"), validators=[InputRequired(), Length(max=300)], description=_("Kept with it.")
    )
    evidence = StringField(_("Where the proof is kept"), validators=[Length(max=300)])

    def offer(self, brands: list[BrandInfo], topics: list[TopicInfo], language: str) -> None:
        """Offer everything, each brand and each topic."""
        names = {brand.id: brand.name for brand in brands}
        self.scope.choices = [
            ("all", gettext("all mail")),
            *((f"brand-{brand.id}", gettext("mail by %(brand)s", brand=brand.name)) for brand in brands),
            *((f"topic-{topic.id}", f"{topic.name(language)} · {names[topic.brand_id]}") for topic in topics),
        ]

    def terms(self, reason: str, staff_id: int) -> SuppressionTerms:
        """Return what was chosen; a day lasts until it is over (UTC). Raises ``InvalidInput`` naming the field."""
        scope, _dash, number = self.scope.data.partition("-")
        until = datetime.combine(self.until.data, time.max, UTC) if self.until.data else None
        return SuppressionTerms(
            reason=reason,
            scope=scope,
            brand_id=int(number) if scope == "brand" else None,
            topic_id=int(number) if scope == "topic" else None,
            until=until,
            source=self.source.data.strip(),
            evidence=(self.evidence.data or "").strip(),
            created_by=staff_id,
        ).checked(clock.now())


class SuppressForm(TermsForm):
    """An address, a domain or a pattern that is not to be written to."""

    kind = RadioField(
        _("What"),
        choices=[("address", _("One address")), ("domain", _("A whole domain")), ("pattern", _("A pattern"))],
        default="address",
    )
    value = StringField(
        _("Address, domain or pattern"),
        validators=[InputRequired(), Length(max=320)],
        description=_("someone@example.com, example.com, or info@* with * for anything"),
    )


class ListForm(TermsForm):
    """A file of addresses or their digests."""

    file = FileField(
        _("File"),
        validators=[FileRequired()],
        description=_("Text or CSV with a column of addresses, SHA-256 or MD5 digests; which one is found by itself."),
    )
    reason = SelectField(_("Reason"), choices=[(name, REASON_NAMES[name]) for name in REASONS], default="import")


def complain(form: TermsForm, field: str | None, problem: str, otherwise: str) -> None:
    """Put a problem beside the field it belongs to."""
    name = "scope" if field in ("brand_id", "topic_id") else field or otherwise
    target: Any = getattr(form, name, None) or getattr(form, otherwise)
    target.errors = [*target.errors, problem]
