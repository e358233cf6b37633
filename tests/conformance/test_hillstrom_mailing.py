"""64,000 real customers through the whole product: imported, segmented, written to by the real worker over SMTP.

Segment, messages, mails received and report must agree exactly. Times are printed (``pytest -rP``).
"""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import pytest

from tests.factories.sending import relay_process
from tests.flows import mailing
from tests.flows.product import Product, until

DATA = Path(os.environ.get("CONFORMANCE_DATA", "../shared/data")) / "campaign" / "hillstrom.csv"
WOMEN_ABOVE_200 = {"all": [{"field": "history", "op": "gt", "value": 200}, {"field": "womens", "op": "eq", "value": 1}]}
EVIDENCE = "MineThatData e-mail challenge: customers of the last twelve months, stated as confirmed for this test"


def test_counts_agree_from_file_to_report(tmp_path: Path) -> None:
    if not DATA.exists():
        pytest.skip(f"{DATA} is not here: set CONFORMANCE_DATA")
    people = tmp_path / "hillstrom.csv"
    expected = _write_people(people)
    segment = tmp_path / "segment.json"
    segment.write_text(json.dumps(WOMEN_ABOVE_200))
    with (
        relay_process(tmp_path) as relay,
        Product(tmp_path / "var", empty=True, SMTP_URL=relay.url) as product,
        mailing.at_home(product),
    ):
        mailing.set_up()
        imported = mailing.import_people(product, people, source="MineThatData challenge", evidence=EVIDENCE)
        assert (imported["rows"], imported["added"], imported["permitted"]) == (64_000, 64_000, 64_000)
        assert imported["rejected"] == 0
        counted = product.flask("segments", "count", str(segment))
        assert counted["count"] == len(expected)
        campaign_id = mailing.create(product, tmp_path, WOMEN_ABOVE_200)
        began = time.monotonic()
        product.flask("campaigns", "launch", str(campaign_id))
        until(lambda: mailing.status(campaign_id) == "finished", patience=600, what="the mailing to finish")
        took = time.monotonic() - began
        states = mailing.states(campaign_id)
        report = product.flask("reports", "campaign", str(campaign_id), "--format", "json")
    assert set(states.values()) == {"sent"}
    assert set(states) == expected
    assert sorted(relay.recipients) == sorted(expected)
    figures = json.dumps(report)
    assert f'"sent": {len(expected)}' in figures and f'"recipients": {len(expected)}' in figures
    print(
        f"import {imported['seconds']} s, count {counted['ms']} ms, launch to finished {took:.1f} s: "
        f"{len(expected) / took:.0f} messages/s"
    )


def _write_people(path: Path) -> set[str]:
    """Write the customers with addresses made of their row numbers; returns the addresses the segment must hold."""
    expected = set()
    with DATA.open(newline="") as source, path.open("w", newline="") as target:
        reader = csv.DictReader(source)
        writer = csv.writer(target)
        writer.writerow(["email", *(reader.fieldnames or [])])
        for number, row in enumerate(reader, 1):
            address = f"customer{number}@example.com"
            writer.writerow([address, *row.values()])
            if float(row["history"]) > 200 and row["womens"] == "1":
                expected.add(address)
    return expected
