"""How responses reach ``message``: bulk functions for the folder of tracking, which owns the events.

The source is a temporary table of the caller's transaction, one row for each message with all its events so far::

    campaign_id, contact_id, first_at, opened_at, human_opened_at, clicked_at, opens, human_opens, clicks
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

_COLUMNS = ("opened_at", "human_opened_at", "clicked_at", "opens", "human_opens", "clicks")
_DIFFERS = (
    f"({', '.join(f'm.{name}' for name in _COLUMNS)}) IS DISTINCT FROM ({', '.join(f'r.{name}' for name in _COLUMNS)})"
)
_SET = ", ".join(f"{name} = r.{name}" for name in _COLUMNS)


def lock(session: Session, source: str) -> None:
    """Lock the messages that ``source`` names, in the order of their key, so that bulk updates do not deadlock."""
    session.execute(
        text(
            f"SELECT 1 FROM message m JOIN {source} r USING (campaign_id, contact_id)"  # noqa: S608 - our own name
            " ORDER BY m.campaign_id, m.contact_id FOR UPDATE OF m"
        )
    )


def changes(session: Session, source: str, target: str) -> None:
    """Make the temporary table ``target``: per contact, how many human opens and clicks ``source`` adds.

    Call it before ``apply``. Columns: contact_id, opens, clicks; contacts without a change are absent.
    """
    session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{target}"))
    session.execute(
        text(
            f"CREATE TEMP TABLE {target} ON COMMIT DROP AS"  # noqa: S608
            " SELECT m.contact_id, sum(r.human_opens - m.human_opens) AS opens, sum(r.clicks - m.clicks) AS clicks"
            f" FROM message m JOIN {source} r USING (campaign_id, contact_id) GROUP BY m.contact_id"
        )
    )


def apply(session: Session, source: str) -> int:
    """Write firsts and counts of ``source`` to ``message`` where they differ; returns how many messages changed."""
    done = session.execute(
        text(
            f"UPDATE message m SET {_SET} FROM {source} r"  # noqa: S608
            f" WHERE m.campaign_id = r.campaign_id AND m.contact_id = r.contact_id AND {_DIFFERS}"
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def resolve(session: Session, source: str) -> int:
    """Settle messages in ``source`` whose outcome was unknown: who opens or clicks has got the mail. Returns how many.

    When is not known; the claim was taken seconds before, and the first response came after.
    """
    done = session.execute(
        text(
            "UPDATE message m SET state = 'sent', sent_at ="  # noqa: S608
            " least(r.first_at, (SELECT taken_at FROM claim c WHERE c.id = m.claim_id))"
            f" FROM {source} r WHERE m.campaign_id = r.campaign_id AND m.contact_id = r.contact_id"
            " AND m.state = 'unknown'"
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def reset_others(session: Session, source: str) -> int:
    """Clear the responses of messages that ``source`` does not name (all others had none); returns how many."""
    done = session.execute(
        text(
            "UPDATE message m SET opened_at = NULL, human_opened_at = NULL, clicked_at = NULL,"  # noqa: S608
            " opens = 0, human_opens = 0, clicks = 0"
            " WHERE (opens > 0 OR clicks > 0 OR human_opens > 0 OR opened_at IS NOT NULL"
            "        OR human_opened_at IS NOT NULL OR clicked_at IS NOT NULL)"
            f" AND NOT EXISTS (SELECT FROM {source} r"
            "                  WHERE r.campaign_id = m.campaign_id AND r.contact_id = m.contact_id)"
        )
    )
    return int(done.rowcount)  # type: ignore[attr-defined]
