"""Reading orders and events from files: what a row must hold, in the words of the person who made it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

from app.core.errors import InvalidInput

ORDER_COLUMNS = frozenset({"order_id", "email", "at", "amount", "currency", "value", "rate", "refunds", "items"})
EVENT_COLUMNS = frozenset({"kind", "campaign", "email", "link", "at", "user_agent", "ip", "method"})


@dataclass(frozen=True)
class OrderRow:
    """One order of a file. ``value`` is net of VAT and shipping in the brand's currency; negative for a refund."""

    external_id: str
    email: str
    at: datetime
    amount: Decimal
    currency: str
    rate: Decimal
    value: Decimal
    refunds: str
    items: list[dict[str, object]]


@dataclass(frozen=True)
class EventRow:
    """One event of a file."""

    kind: str
    campaign_id: int
    email: str
    link_n: int | None
    at: datetime
    agent: str
    address: str
    method: str


def rows(path: Path, columns: frozenset[str]) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield line number and fields of a CSV file with a heading, or of a JSON Lines file (``.jsonl``, ``.ndjson``).

    Raises ``InvalidInput`` naming the line for what cannot be read, and for columns nobody asked for.
    """
    if path.suffix.lower() in (".jsonl", ".ndjson"):
        yield from _json_lines(path)
        return
    with path.open(encoding="utf-8-sig", newline="") as opened:
        try:
            reader = csv.DictReader(opened, strict=True)
            unknown = set(reader.fieldnames or ()) - columns
            if unknown or not reader.fieldnames:
                raise InvalidInput(
                    f"{path.name}, line 1: the columns may be {', '.join(sorted(columns))};"
                    f" not {', '.join(sorted(unknown)) or 'none'}."
                )
            for row in reader:
                yield reader.line_num, {name: value for name, value in row.items() if name and value is not None}
        except (csv.Error, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path.name}: not readable as CSV in UTF-8 ({error}).") from None


def _json_lines(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8") as opened:
        for number, line in enumerate(opened, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError as error:
                raise InvalidInput(f"{path.name}, line {number}: not JSON ({error}).") from None
            if not isinstance(row, dict):
                raise InvalidInput(f"{path.name}, line {number}: expected an object with named fields.")
            yield number, row


def order(row: Mapping[str, object], currency: str) -> OrderRow:
    """Read one order; ``currency`` is the brand's. Raises ``InvalidInput`` naming the field."""
    amount = _decimal(row, "amount")
    paid_in = str(row.get("currency") or currency).strip().upper()
    if len(paid_in) != 3 or not paid_in.isalpha():
        raise InvalidInput(f"currency: {paid_in!r} is not a code of three letters such as EUR.", field="currency")
    rate = _decimal(row, "rate") if row.get("rate") else Decimal(1)
    if paid_in != currency and not row.get("rate"):
        raise InvalidInput(f"rate: say what one {paid_in} is worth in {currency}.", field="rate")
    value = _decimal(row, "value") if row.get("value") not in (None, "") else (amount * rate).quantize(Decimal("0.01"))
    items = row.get("items") or []
    if isinstance(items, str):
        items = json.loads(items) if items.startswith("[") else [{"name": items}]
    return OrderRow(
        external_id=_text(row, "order_id"),
        email=_optional(row, "email"),
        at=_time(row),
        amount=amount,
        currency=paid_in,
        rate=rate,
        value=value,
        refunds=_optional(row, "refunds"),
        items=[each if isinstance(each, dict) else {"name": str(each)} for each in items]
        if isinstance(items, list)
        else [],
    )


def event(row: Mapping[str, object]) -> EventRow:
    """Read one event. Raises ``InvalidInput`` naming the field."""
    kind = _text(row, "kind").lower()
    if kind not in ("open", "click"):
        raise InvalidInput(f"kind: {kind!r} is neither open nor click.", field="kind")
    link = _optional(row, "link")
    if kind == "click" and not link.isdigit():
        raise InvalidInput("link: a click needs the number of its link.", field="link")
    campaign = _text(row, "campaign")
    if not campaign.isdigit():
        raise InvalidInput(f"campaign: {campaign!r} is not the number of a campaign.", field="campaign")
    return EventRow(
        kind=kind,
        campaign_id=int(campaign),
        email=_optional(row, "email"),
        link_n=int(link) if kind == "click" else None,
        at=_time(row),
        agent=_optional(row, "user_agent"),
        address=_optional(row, "ip"),
        method="HEAD" if str(row.get("method") or "").upper() == "HEAD" else "GET",
    )


def _optional(row: Mapping[str, object], name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value).strip()


def _text(row: Mapping[str, object], name: str) -> str:
    value = _optional(row, name)
    if not value:
        raise InvalidInput(f"{name}: is missing.", field=name)
    return value


def _decimal(row: Mapping[str, object], name: str) -> Decimal:
    try:
        value = Decimal(_text(row, name))
    except InvalidOperation:
        raise InvalidInput(f"{name}: {row.get(name)!r} is not a number such as 12.50.", field=name) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 12:
        raise InvalidInput(f"{name}: {row.get(name)!r} is out of range.", field=name)
    return value


def _time(row: Mapping[str, object]) -> datetime:
    given = _text(row, "at")
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        raise InvalidInput(f"at: {given!r} is not a time such as 2025-05-31T14:00:00+02:00.", field="at") from None
    if at.year < 1970:
        raise InvalidInput(f"at: {given!r} is before 1970.", field="at")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
