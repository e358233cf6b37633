"""Orders and events from files."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.brands.queries.brands import brand
from app.core.errors import InvalidInput
from tests.factories.tracking import CHROME, Sent, drained, hit, make_sent
from tracking.services.fold import fold
from tracking.services.orders import EventsImported, OrdersImported, import_events, import_orders
from tracking.services.rebuild import rebuild

ORDERS = """order_id,email,at,amount,currency,value,rate,refunds,items
A1,{0},2025-03-04T12:00:00+01:00,120.00,EUR,100.00,,,tea pot
A2,nobody@example.com,2025-03-04T12:30:00Z,10,EUR,,,,
A3,{0},2025-03-20T12:00:00Z,60.00,USD,,0.90,,
R1,{0},2025-03-05T12:00:00Z,-30.00,EUR,-25.00,,A1,
"""


def address(session: Session, sent: Sent, person: int) -> str:
    return str(session.scalar(text("SELECT email FROM contact WHERE id = :id"), {"id": sent.people[person]}))


def test_orders_are_imported_once_and_credited(session: Session, tmp_path: Path) -> None:
    sent = make_sent(session)
    drained(session, [hit(sent, 0, link=0)])
    fold(session, settled=timedelta())
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS.format(address(session, sent, 0).upper()))
    seller = brand(session, sent.brand_id)
    assert import_orders(session, path, seller, "shop") == OrdersImported(4, 0, 1, 2)
    assert import_orders(session, path, seller, "shop") == OrdersImported(0, 4, 0, 0)
    credited = session.execute(text("SELECT sum(value), count(*) FROM conversion")).one()
    assert tuple(credited) == (Decimal("75.00"), 2)
    profile = session.execute(text("SELECT orders, order_value FROM contact_profile")).one()
    assert tuple(profile) == (2, Decimal("129.00"))
    assert rebuild(session).total == 0


def test_a_click_that_comes_in_after_the_order_is_credited(session: Session, tmp_path: Path) -> None:
    sent = make_sent(session)
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS.format(address(session, sent, 0)))
    assert import_orders(session, path, brand(session, sent.brand_id), "shop").credited == 0
    drained(session, [hit(sent, 0, link=0)])
    fold(session, settled=timedelta())
    assert session.scalar(text("SELECT count(*) FROM conversion")) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("A9,,2025-03-04,abc,EUR,,,,", "line 2: amount: 'abc' is not a number"),
        (",,2025-03-04,1,EUR,,,,", "line 2: order_id: is missing"),
        ("A9,,yesterday,1,EUR,,,,", "line 2: at: 'yesterday' is not a time"),
        ("A9,,0025-03-04,1,EUR,,,,", "line 2: at: '0025-03-04' is before 1970"),
        ("A9,,2025-03-04,1,USD,,,,", "line 2: rate: say what one USD is worth in EUR"),
        ("R9,,2025-03-04,-1,EUR,,,A404,", "refunds 'A404', which is not known"),
    ],
)
def test_a_bad_row_is_named_and_nothing_is_imported(session: Session, tmp_path: Path, line: str, said: str) -> None:
    sent = make_sent(session, 1)
    path = tmp_path / "orders.csv"
    path.write_text(ORDERS.splitlines()[0] + "\n" + line + "\n")
    with pytest.raises(InvalidInput, match=said):
        import_orders(session, path, brand(session, sent.brand_id), "shop")


def test_an_unknown_column_is_named(session: Session, tmp_path: Path) -> None:
    sent = make_sent(session, 1)
    path = tmp_path / "orders.csv"
    path.write_text("order_id,prize\n1,2\n")
    with pytest.raises(InvalidInput, match="prize"):
        import_orders(session, path, brand(session, sent.brand_id), "shop")


def test_events_are_imported_once_and_pass_the_same_gate(session: Session, tmp_path: Path) -> None:
    sent, untracked = make_sent(session), make_sent(session, tracked=False)
    path = tmp_path / "events.jsonl"
    rows = [
        f'{{"kind": "open", "campaign": {sent.id}, "email": "{address(session, sent, 0)}", "at": "2025-03-04T09:05Z",'
        f' "user_agent": "{CHROME}"}}',
        f'{{"kind": "click", "campaign": {sent.id}, "email": "{address(session, sent, 0)}", "link": 0,'
        f' "at": "2025-03-04T09:06Z", "user_agent": "{CHROME}"}}',
        f'{{"kind": "open", "campaign": {untracked.id}, "email": "{address(session, untracked, 0)}",'
        f' "at": "2025-03-04T09:05Z", "user_agent": "{CHROME}"}}',
    ]
    path.write_text("\n".join(rows))
    assert import_events(session, path) == EventsImported(2, 1, False)
    assert import_events(session, path) == EventsImported(0, 0, True)
    assert fold(session, settled=timedelta()) == 2
    assert session.scalar(text("SELECT sum(clicks) FROM message")) == 1
