"""The cards that reports put on the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_babel import gettext as _

from app.core.registries import DashboardCard, dashboard_cards
from reports.policy.figures import Rate
from reports.queries import overview
from reports.queries.report import CLICKS, OPENS

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# Gmail asks bulk senders to stay below 0.1 % and blocks at 0.3 %.
COMPLAINTS_WARN, COMPLAINTS_STOP = 0.001, 0.003


def register() -> None:
    """Offer the cards; the factory calls it."""
    for order, (name, size, load) in enumerate(
        (
            ("reachable", 3, reachable),
            ("delivered", 3, delivered),
            ("clicks", 3, clicks),
            ("complaints", 3, complaints),
            ("course", 12, course),
            ("recent", 12, recent),
        )
    ):
        dashboard_cards.add(f"reports.{name}", DashboardCard(f"web/reports/cards/{name}.html", load, 10 + order, size))


def reachable(session: Session) -> dict[str, object]:
    """Count the people who may be written to."""
    count, total = overview.reachable(session)
    return {"reachable": count, "total": total}


def delivered(session: Session) -> dict[str, object]:
    """Count the mails delivered in 30 days."""
    month = overview.month(session)
    return {"delivered": month.delivered, "rate": Rate("delivery_rate", month.delivered, month.attempted, "attempted")}


def clicks(session: Session) -> dict[str, object]:
    """Show the click rate of 30 days."""
    month = overview.month(session)
    return {"rate": Rate("click_rate", month.clicks_unique, month.tracked_delivered, "tracked_delivered")}


def complaints(session: Session) -> dict[str, object]:
    """Show the complaints of 30 days against what mailbox providers bear."""
    month = overview.month(session)
    rate = Rate("spam_complaint_rate", month.complaints, month.delivered, "delivered")
    share = rate.value or 0
    return {"rate": rate, "state": "stop" if share >= COMPLAINTS_STOP else "warn" if share >= COMPLAINTS_WARN else "ok"}


def course(session: Session) -> dict[str, object]:
    """Draw opens and clicks of 30 days."""
    drawn = overview.course(session)
    names = {OPENS: _("Opens by people"), CLICKS: _("Clicks by people")}
    lines = [{"name": names[line], "data": values} for line, values in drawn.lines.items()]
    spec = {"kind": "bar", "x": drawn.x, "series": lines, "unit": ""}
    return {"spec": spec, "any": any(any(values) for values in drawn.lines.values())}


def recent(session: Session) -> dict[str, object]:
    """List the latest campaigns."""
    return {"lines": overview.sent_campaigns(session, limit=6).lines}
