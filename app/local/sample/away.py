"""Whom the sample must not write to: the list of a former mailing tool, a domain, and a pattern."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from app.core.db import unit_of_work
from app.local.sample.company import Company
from consent.engine import lists as reading
from consent.policy.terms import SuppressionTerms
from consent.services import lists, suppress

LISTED = 60


def keep_away(houses: Company, folder: Path) -> None:
    """Take in the list, as SHA-256 with one line that is none, and suppress the rest by hand."""
    path = folder / "former-tool-unsubscribed.csv"
    lines = [sha256(f"reader{number}@former.example".encode()).hexdigest() for number in range(LISTED)]
    path.write_text("\n".join(["sha256", *lines, "(end of export)"]) + "\n", "utf-8")
    terms = SuppressionTerms("import", source="Former mailing tool", evidence="Export of its unsubscribed, archive")
    of_finch = SuppressionTerms("manual", "brand", brand_id=houses.finch.brand_id, source="No readers")
    with unit_of_work() as session:
        list_id = lists.create(session, path, path.name, terms, folder)
        suppress.by_hand(session, "domain", "rival.example", SuppressionTerms("manual", source="They asked by letter"))
        suppress.by_hand(session, "pattern", "abuse@*", of_finch)
    reading.run(list_id)
