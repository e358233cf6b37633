"""What the sample's people said when they left, and who of them asked for a pause."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta

from app.core import clock
from app.core.db import unit_of_work
from app.local.sample.company import Company
from app.local.sample.people import Person
from consent.policy.standing import Actor
from consent.services import leaving, pause

REASONS = (
    ("too_many",) * 9 + ("not_relevant",) * 6 + ("no_longer",) * 5 + ("not_expected",) * 3 + ("other", "never_asked")
)
WORDS = {
    ("too_many", "en"): "Once a month would do, I read it on Sundays.",
    ("not_relevant", "en"): "I only drink coffee, and the letters are about tea.",
    ("too_many", "fr"): "Deux lettres par mois, c’est trop pour moi.",
    ("no_longer", "fr"): "J’ai déménagé loin de la boutique. Bonne continuation !",
}
SAID, PAUSED = 0.3, 0.01  # the share of those who left and said why; of those who stayed and rest a while


def part(company: Company, people: Sequence[Person], ids: Mapping[str, int]) -> None:
    """Write reasons for leaving and pauses, over the past months."""
    dice, words = random.Random(4711), dict(WORDS)
    now = clock.now()
    try:
        with unit_of_work() as session:
            for person in people:
                house, chance = company.of(person.language), dice.random()
                clock.shift(-timedelta(days=dice.uniform(1, 300)))
                if person.newsletter == "withdrawn" and chance < SAID:
                    reason = dice.choice(REASONS)
                    said = words.pop((reason, person.language), "")
                    leaving.say_why(session, ids[person.email], house.brand_id, None, reason, said)
                elif person.newsletter == "granted" and chance < PAUSED:
                    clock.shift(-timedelta(days=dice.uniform(1, 20)))
                    until = now + timedelta(days=dice.randrange(5, 70))
                    pause.pause(session, ids[person.email], house.brand_id, until, actor=Actor.SUBSCRIBER)
    finally:
        clock.shift(timedelta())
