"""Processes die in the middle of a mailing, somebody unsubscribes meanwhile: never twice, never lost, never against
the will of the reader."""

from __future__ import annotations

from pathlib import Path

from tests.factories.sending import relay_process
from tests.flows import mailing
from tests.flows.killing import PERSON, assert_exact, finished, kill_and_mend, prepared, unsubscribe
from tests.flows.product import Product

SIZE = 3_000
LEAVING = PERSON.format(SIZE)


def test_a_mailing_survives_the_death_of_each_process(tmp_path: Path) -> None:
    with (
        relay_process(tmp_path) as relay,
        Product(tmp_path / "var", empty=True, SMTP_URL=relay.url) as product,
        mailing.at_home(product),
    ):
        campaign_id = prepared(product, tmp_path, SIZE)
        product.flask("campaigns", "launch", str(campaign_id))
        kill_and_mend(product, relay, ["worker"], 200)
        assert mailing.states(campaign_id)[LEAVING] == "queued", "too late to tell anything"
        unsubscribe(product, campaign_id, LEAVING)
        kill_and_mend(product, relay, ["web", "runner"], 300)
        assert len(relay.accepted) < SIZE, "nothing was left to go on with"
        finished(product, campaign_id)
        assert_exact(campaign_id, relay, SIZE, deaths=2)
        assert LEAVING not in relay.recipients
        told = product.flask("campaigns", "explain", str(campaign_id), LEAVING)
    assert told["state"] == "skipped" and told["reason"] == "permission_withdrawn"
    assert told["ledger_entry"]["evidence"]["method"] == "one-click"
