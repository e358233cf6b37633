"""What comes back after a mailing: bounces and complaints reach the message, and addresses that do not work end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.mail.replies import BounceClass
from campaigns.queries.bounces import soft_bounces
from consent.policy.suppression import SOFT_WINDOW, keeps_bouncing
from consent.services import notices
from consent.services.suppress import suppress_addresses


@dataclass(frozen=True)
class Bounce:
    """A final failure that was told later. ``cls`` is None where nothing told why; ``code`` 0 without a reply code."""

    cls: BounceClass | None
    code: int
    enhanced: str
    said: str


# Who bounces or complains got the mail into the relay: a message whose outcome was unknown was sent after all. A later
# notice changes nothing but that the address turns out not to exist.
_BOUNCE = text("""
UPDATE message m SET
    state = CASE WHEN m.state IN ('claimed', 'unknown') THEN 'sent' ELSE m.state END,
    sent_at = coalesce(m.sent_at, (SELECT taken_at FROM claim c WHERE c.id = m.claim_id AND m.state <> 'failed')),
    failed_at = :at, bounce_class = :class, smtp_code = nullif(:code, 0), enhanced_code = nullif(:enhanced, ''),
    reply = CASE WHEN m.address_key IS NOT NULL THEN nullif(:said, '') END
WHERE m.campaign_id = :campaign AND m.contact_id = :contact AND m.state IN ('claimed', 'unknown', 'sent', 'failed')
  AND (m.failed_at IS NULL OR :class = 'hard' AND m.bounce_class IS DISTINCT FROM 'hard')
RETURNING m.address_key
""")
_COMPLAIN = text("""
UPDATE message m SET
    state = CASE WHEN m.state IN ('claimed', 'unknown') THEN 'sent' ELSE m.state END,
    sent_at = coalesce(m.sent_at, (SELECT taken_at FROM claim c WHERE c.id = m.claim_id)),
    complained_at = coalesce(m.complained_at, :at)
WHERE m.campaign_id = :campaign AND m.contact_id = :contact AND m.state IN ('claimed', 'unknown', 'sent')
""")


def bounce(session: Session, campaign_id: int, contact_id: int, found: Bounce) -> bool:
    """Note that a mail came back, once; suppress its address when it does not exist, or keeps bouncing. Returns
    whether anything changed."""
    row = session.execute(
        _BOUNCE,
        {
            "campaign": campaign_id,
            "contact": contact_id,
            "at": clock.now(),
            "class": found.cls.value if found.cls else "undetermined",
            "code": found.code,
            "enhanced": found.enhanced,
            "said": found.said.replace("\0", ""),
        },
    ).one_or_none()
    if row is None:
        return False
    notices.take_back(session, campaign_id, [contact_id])
    if found.cls is BounceClass.HARD and row.address_key is not None:
        suppress_addresses(session, [bytes(row.address_key)], "hard_bounce", source=f"campaign {campaign_id}")
    elif found.cls is BounceClass.SOFT:
        weigh(session, campaign_id, [contact_id])
    return True


def complain(session: Session, campaign_id: int, contact_id: int) -> None:
    """Note on the message that it was reported as spam; the first time counts."""
    session.execute(_COMPLAIN, {"campaign": campaign_id, "contact": contact_id, "at": clock.now()})


def weigh(session: Session, campaign_id: int, contact_ids: Sequence[int]) -> int:
    """Suppress the addresses among those of ``contact_ids`` that bounce softly again and again
    (``consent.policy.suppression.keeps_bouncing``); returns how many."""
    since: datetime = clock.now() - timedelta(days=SOFT_WINDOW)
    gone = [key for key, times in soft_bounces(session, contact_ids, since) if keeps_bouncing(times)]
    return suppress_addresses(session, gone, "soft_bounces", source=f"campaign {campaign_id}") if gone else 0
