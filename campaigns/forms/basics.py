"""What a campaign is about and who writes."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from app.brands.queries.brands import BrandInfo
from app.brands.queries.sending import SenderInfo
from campaigns.policy import CampaignKind
from campaigns.services.campaigns import MAX_NAME, Basics
from consent.queries.topics import TopicInfo


class BasicsForm(FlaskForm):  # type: ignore[misc]
    """Topic and sender are offered for the brand that is chosen."""

    name = StringField(
        _("Name"),
        validators=[DataRequired(), Length(max=MAX_NAME)],
        description=_("For colleagues and reports; readers do not see it."),
    )
    kind = RadioField(
        _("Kind"),
        choices=[
            ("mailing", _("Mailing: tell everybody in the audience something")),
            ("repermission", _("Re-permission: ask, a few a day, who still wants to be written to")),
        ],
        default="mailing",
    )
    objective = TextAreaField(
        _("Objective"),
        validators=[Length(max=2000)],
        description=_("What should have happened when this campaign was a success?"),
        render_kw={"rows": 2},
    )
    brand_id = SelectField(_("Brand"), coerce=int)
    topic_id = SelectField(_("Topic"), coerce=int, description=_("Only people who permitted this topic get the mail."))
    sender_id = SelectField(_("Sender"), coerce=int)
    seen = HiddenField()

    def offer(self, brands: Sequence[BrandInfo], topics: Sequence[TopicInfo], senders: Sequence[SenderInfo]) -> None:
        """Set what may be chosen."""
        self.brand_id.choices = [(brand.id, brand.name) for brand in brands]
        self.topic_id.choices = [(topic.id, topic.name()) for topic in topics]
        self.sender_id.choices = [(sender.id, f"{sender.name} <{sender.email}>") for sender in senders]

    def basics(self) -> Basics:
        """Return what was filled in."""
        return Basics(
            self.name.data or "",
            self.brand_id.data,
            self.topic_id.data,
            self.sender_id.data,
            self.objective.data or "",
            CampaignKind(self.kind.data),
        )
