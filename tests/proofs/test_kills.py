"""Promises 1 and 2 through the whole product: whatever dies, nobody gets it twice, nobody is missing unseen, and who
left in the meantime gets nothing."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.factories.sending import relay_process
from tests.flows import mailing
from tests.flows.killing import PERSON, assert_exact, finished, kill_and_mend, prepared, unsubscribe
from tests.flows.product import Product

pytestmark = pytest.mark.proof

SIZE = 20_000
LEAVING = PERSON.format(SIZE)


def test_a_mailing_survives_many_deaths(tmp_path: Path) -> None:
    chance = Random(3)
    victims = ["worker", *chance.choices(["worker", "web", "runner"], k=11)]
    with (
        relay_process(tmp_path) as relay,
        Product(tmp_path / "var", empty=True, SMTP_URL=relay.url) as product,
        mailing.at_home(product),
    ):
        campaign_id = prepared(product, tmp_path, SIZE)
        product.flask("campaigns", "launch", str(campaign_id))
        for number, victim in enumerate(victims):
            kill_and_mend(product, relay, [victim], chance.randint(100, 1200))
            if number == 0:
                unsubscribe(product, campaign_id, LEAVING)
        finished(product, campaign_id)
        assert_exact(campaign_id, relay, SIZE, deaths=len(victims))
        assert LEAVING not in relay.recipients
