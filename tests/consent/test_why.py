"""Why somebody gets a mail, in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from consent.policy.ladder import Basis
from consent.policy.standing import Action, Actor
from consent.policy.why import Grounds, Matter, why

NEWS = Matter("News", "Maison Exemple", "Europe/Paris", "https://example.com/privacy")
LATE = datetime(2025, 3, 2, 23, 30, tzinfo=UTC)  # the third of March in Paris


def test_a_confirmation_names_day_and_form() -> None:
    confirmed = Grounds("confirm", "subscriber", "consent", LATE, 7)
    assert why("en", NEWS, confirmed, "example.com/subscribe/home") == (
        "You receive this e-mail because on 3 March 2025 at example.com/subscribe/home you confirmed “News” from "
        "Maison Exemple."
    )
    assert why("fr", NEWS, confirmed, "example.com/subscribe/home") == (
        "Vous recevez cet e-mail car le 3 mars 2025 sur example.com/subscribe/home vous avez confirmé « News » de "
        "Maison Exemple."
    )


def test_without_grounds_it_still_says_what_it_is_about() -> None:
    assert why("en", NEWS, None) == "You receive this e-mail because you agreed to “News” from Maison Exemple."
    assert why("de", NEWS, None) == why("en", NEWS, None)


def test_an_import_names_its_source_and_claims_no_day_of_consent() -> None:
    imported = Grounds("grant", "import", "consent", LATE, None, "Christmas market,\nfolder 14.")
    said = why("en", NEWS, imported)
    assert "on record since 3 March 2025 (Christmas market, folder 14)" in said and "first e-mail" not in said
    first = why("en", NEWS, imported, first=True)
    assert first.startswith(said)
    assert "We have your address from: Christmas market, folder 14. " in first
    assert first.endswith("your rights: https://example.com/privacy")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("basis", [*Basis, None])
@pytest.mark.parametrize("actor", Actor)
@pytest.mark.parametrize("action", [Action.GRANT, Action.CONFIRM])
def test_every_ground_has_its_words(language: str, basis: str | None, actor: str, action: str) -> None:
    said = why(language, NEWS, Grounds(action, actor, basis, LATE, None, "a fair"), first=True)
    assert "Maison Exemple" in said and "a fair" in said and "{" not in said
