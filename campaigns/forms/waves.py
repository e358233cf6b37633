"""How a re-permission campaign asks: whom, how many a day, and what stops it."""

from __future__ import annotations

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DecimalField, HiddenField, IntegerField
from wtforms.validators import InputRequired, Optional

from campaigns.policy import Waves


class WavesForm(FlaskForm):  # type: ignore[misc]
    """Shares are shown in per cent. A number that is left blank asks nobody for that reason."""

    ends_within_days = IntegerField(
        _("Permission that ends within … days"), validators=[Optional()], description=_("Blank: not a reason to ask.")
    )
    weaker = BooleanField(_("Permission that is weaker than confirmed consent"))
    imported = BooleanField(_("Permission that an import stated"))
    quiet_months = IntegerField(
        _("No open, click or order for … months"),
        validators=[Optional()],
        description=_("Only people who got tracked mail. Blank: not a reason to ask."),
    )
    per_day = IntegerField(
        _("People asked a day"),
        validators=[InputRequired()],
        description=_("One wave a day; who clicked or opened last is asked first."),
    )
    answer_days = IntegerField(
        _("Days to answer"),
        validators=[InputRequired()],
        description=_("Counted from each mail. Who has not answered by then is written to no more: silence means no."),
    )
    max_complaints = DecimalField(
        _("Complaints that stop it, per cent"), places=2, validators=[InputRequired()], render_kw={"step": "0.01"}
    )
    max_bounces = DecimalField(
        _("Bounces that stop it, per cent"), places=1, validators=[InputRequired()], render_kw={"step": "0.1"}
    )
    min_sample = IntegerField(
        _("Judge after … mails"),
        validators=[InputRequired()],
        description=_("Before so many were tried, one complaint says little."),
    )
    seen = HiddenField()

    @classmethod
    def of(cls, waves: Waves, seen: str) -> WavesForm:
        """Return the form filled with what is stored."""
        shares = {"max_complaints": 100 * waves.max_complaints, "max_bounces": 100 * waves.max_bounces}
        form: WavesForm = cls(data={**vars(waves), **shares, "seen": seen})
        return form

    def waves(self) -> Waves:
        """Return what was filled in."""
        return Waves(
            per_day=self.per_day.data,
            answer_days=self.answer_days.data,
            ends_within_days=self.ends_within_days.data,
            weaker=self.weaker.data,
            imported=self.imported.data,
            quiet_months=self.quiet_months.data,
            max_complaints=float(self.max_complaints.data) / 100,
            max_bounces=float(self.max_bounces.data) / 100,
            min_sample=self.min_sample.data,
        )
