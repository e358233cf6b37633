"""Jurisdictions: what suffices where, what a basis asks for, and to the day how long it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidInput
from app.customers.services.contacts import edit
from app.customers.services.importing import PermissionTerms
from consent.policy.grounds import GROUNDS, WHEN, ends
from consent.policy.ladder import Basis, Level, State, parse_pair
from consent.policy.profiles import COUNTRIES, PROFILES, accepted, check_accepts, deciding, measured_by_default
from consent.policy.standing import Actor
from consent.queries import permissions
from tests.consent.test_gates import gate_of
from tests.consent.test_import_sink import bring
from tests.factories import consent as make

ASKING = [basis for basis in Basis if GROUNDS[basis].conditions]


def gate(session: Session, profile: str, basis: Basis, level: Level, country: str = "", **accepts: list[str]) -> object:
    """Return the gate of somebody in ``country`` who permitted a topic of a brand under ``profile``."""
    brand = make.make_brand(session, profile=profile)
    topic = make.make_topic(session, brand, accepts=accepts)
    one = make.make_contact(session, country=country)
    make.grant(session, one, topic, level=level, basis=basis, actor=Actor.STAFF)
    return gate_of(session, one, topic, brand).gate


@pytest.mark.parametrize("profile", [name for name in PROFILES if name != "us"])
def test_row_44_without_a_basis_there_is_no_mail(session: Session, profile: str) -> None:
    brand = make.make_brand(session, profile=profile)
    topic = make.make_topic(session, brand)
    one = make.make_contact(session)
    assert gate_of(session, one, topic, brand).gate == "no_permission"
    make.grant(session, one, topic, level=Level.OPT_OUT, basis=Basis.CONSENT, actor=Actor.STAFF)
    assert gate_of(session, one, topic, brand).gate == "permission_too_weak"


@pytest.mark.parametrize(
    ("basis", "lacking"), [(basis, name) for basis in ASKING for name in GROUNDS[basis].conditions]
)
@pytest.mark.parametrize("way", ["single", "import"])
def test_row_45_each_condition_that_is_lacking_blocks(session: Session, basis: Basis, lacking: str, way: str) -> None:
    profile = next(name for name, found in PROFILES.items() if f"{basis}@opt_out" in found.floors)
    brand = make.make_brand(session, profile=profile)
    topic = make.make_topic(session, brand, accepts={profile: [f"{basis}@opt_out"]})
    one = make.make_contact(session)
    whole = make.stated(basis) | {WHEN: "2026-03-31"}
    said = {name: text for name, text in whole.items() if name != lacking}
    at = None if lacking == WHEN else clock.now()
    with pytest.raises(InvalidInput, match=f"Missing: {lacking} "):
        state(session, one, topic, basis, said, at, way)
    assert gate_of(session, one, topic, brand).gate == "no_permission"
    state(session, one, topic, basis, whole, clock.now(), way)
    assert gate_of(session, one, topic, brand).gate in (None, "permission_expired")


def state(
    session: Session, one: int, topic: int, basis: Basis, said: dict[str, str], at: datetime | None, way: str
) -> None:
    """State a permission by a single entry, or by an import."""
    if way == "import":
        terms = PermissionTerms(7, topic, "opt_out", basis, "shop", "list.pdf", clock.now(), "en", said)
        bring(session, [one], terms)
    else:
        if at is None:
            said = {name: text for name, text in said.items() if name != WHEN}
        entry = make.entry(topic, Level.OPT_OUT, basis, Actor.STAFF, at=at, evidence=said)
        make.append(session, one, entry)


def test_row_45_an_empty_condition_is_none(session: Session) -> None:
    topic, one = make.make_topic(session), make.make_contact(session)
    with pytest.raises(InvalidInput, match="Missing: sale "):
        make.grant(
            session,
            one,
            topic,
            level=Level.OPT_OUT,
            basis=Basis.SOFT_OPT_IN,
            actor=Actor.STAFF,
            evidence=make.stated(Basis.SOFT_OPT_IN) | {"sale": "  "},
        )


def test_row_54_express_consent_is_unlimited(session: Session) -> None:
    long_ago = clock.now() - timedelta(days=365 * 20)
    brand = make.make_brand(session, profile="ca")
    topic = make.make_topic(session, brand)
    one = make.make_contact(session, country="CA")
    make.grant(session, one, topic, level=Level.OPT_IN, actor=Actor.STAFF, at=long_ago)
    assert gate_of(session, one, topic, brand).gate is None


@pytest.mark.parametrize(
    ("basis", "act", "last_day"),
    [
        (Basis.IMPLIED_PURCHASE, "2024-03-10T15:30", "2026-03-10"),
        (Basis.IMPLIED_PURCHASE, "2024-02-29T00:00", "2026-02-28"),  # from a leap day to the month's end
        (Basis.IMPLIED_PURCHASE, "2022-02-28T23:59", "2024-02-28"),  # the leap day after it is one too late
        (Basis.IMPLIED_PURCHASE, "2023-12-31T12:00", "2025-12-31"),
        (Basis.IMPLIED_INQUIRY, "2026-03-10T00:00", "2026-09-10"),
        (Basis.IMPLIED_INQUIRY, "2025-08-31T08:00", "2026-02-28"),  # no 31 February
        (Basis.IMPLIED_INQUIRY, "2023-08-30T08:00", "2024-02-29"),
        (Basis.IMPLIED_INQUIRY, "2026-08-29T08:00", "2027-02-28"),
        (Basis.IMPLIED_INQUIRY, "2026-07-31T23:59", "2027-01-31"),
    ],
)
@pytest.mark.parametrize("way", ["single", "import"])
def test_row_54_implied_permission_ends_with_its_last_day(
    session: Session, basis: Basis, act: str, last_day: str, way: str
) -> None:
    brand = make.make_brand(session, profile="ca")
    topic = make.make_topic(session, brand)
    one = make.make_contact(session)
    at = datetime.fromisoformat(act).replace(tzinfo=UTC)
    midnight = datetime.fromisoformat(last_day).replace(tzinfo=UTC)
    try:
        clock.shift(at + timedelta(hours=1) - datetime.now(UTC))
        state(session, one, topic, basis, make.stated(basis) | {WHEN: at.isoformat()}, at, way)
        for moment, open_ in (
            (midnight - timedelta(days=1), True),
            (midnight, True),
            (midnight + timedelta(hours=23, minutes=59, seconds=59), True),
            (midnight + timedelta(days=1), False),
            (midnight + timedelta(days=2), False),
        ):
            clock.shift(moment - datetime.now(UTC))
            assert (gate_of(session, one, topic, brand).gate is None) is open_, moment
    finally:
        clock.shift(timedelta())


def test_row_54_the_day_counts_in_utc_whatever_offset_was_stated() -> None:
    evening = datetime.fromisoformat("2026-03-10T22:30-05:00")  # 11 March in UTC
    assert ends(Basis.IMPLIED_INQUIRY, evening) == datetime(2026, 9, 12, tzinfo=UTC)
    assert ends(Basis.CONSENT, evening) is None


def test_row_54_a_later_purchase_renews_and_an_earlier_one_does_not_shorten(session: Session) -> None:
    topic = make.make_topic(session, make.make_brand(session, profile="ca"))
    one = make.make_contact(session)
    for days, way in ((300, "single"), (100, "import"), (200, "single"), (400, "import")):
        at = clock.now() - timedelta(days=days)
        said = make.stated(Basis.IMPLIED_PURCHASE) | {WHEN: at.isoformat()}
        state(session, one, topic, Basis.IMPLIED_PURCHASE, said, at, way)
    latest = ends(Basis.IMPLIED_PURCHASE, clock.now() - timedelta(days=100))
    assert permissions.of_contact(session, one)[topic].expires_at == latest


def test_the_stricter_of_two_expiries_holds(session: Session) -> None:
    topic, one = make.make_topic(session), make.make_contact(session)
    soon = clock.now() + timedelta(days=3)
    make.grant(
        session, one, topic, level=Level.OPT_OUT, basis=Basis.IMPLIED_PURCHASE, actor=Actor.STAFF, expires_at=soon
    )
    assert permissions.of_contact(session, one)[topic].expires_at == soon


WEAK = "permission_too_weak"


@pytest.mark.parametrize(
    ("profile", "basis", "level", "gate_"),
    [
        # Business mail: a company told and able to refuse, about its role.
        ("eu", "b2b_interest", "opt_out", WEAK),
        ("uk", "b2b_interest", "opt_out", None),
        ("fr", "b2b_interest", "opt_out", None),
        ("de", "b2b_interest", "confirmed", WEAK),
        ("it", "b2b_interest", "confirmed", WEAK),
        ("ca", "b2b_interest", "opt_out", WEAK),  # a choice of the brand
        ("us", "b2b_interest", "opt_out", None),
        # Customers.
        *((name, "soft_opt_in", "opt_out", None) for name in ("eu", "fr", "de", "it", "uk", "us")),
        ("ca", "soft_opt_in", "opt_out", WEAK),
        ("ca", "implied_purchase", "opt_out", None),
        ("ca", "implied_inquiry", "opt_out", None),
        ("eu", "implied_purchase", "opt_out", WEAK),
        # Consent, and how it was said.
        *((name, "consent", "confirmed", None) for name in PROFILES),
        *((name, "consent", "opt_in", WEAK) for name in ("eu", "fr", "de", "it", "uk")),
        *((name, "consent", "opt_in", None) for name in ("ca", "us")),
        *((name, "consent", "passive", WEAK) for name in PROFILES if name != "us"),
        ("us", "consent", "opt_out", None),
        # Charities: offered, never assumed.
        ("uk", "charity_support", "opt_out", WEAK),
    ],
)
def test_row_75_profiles_differ(session: Session, profile: str, basis: str, level: str, gate_: str | None) -> None:
    assert gate(session, profile, Basis(basis), Level(level)) == gate_


def test_row_75_a_charity_of_the_united_kingdom_may_choose_its_soft_opt_in(session: Session) -> None:
    lists = {"uk": ["consent@confirmed", "charity_support@opt_out"]}
    assert gate(session, "uk", Basis.CHARITY_SUPPORT, Level.OPT_OUT, "GB", **lists) is None
    assert gate(session, "uk", Basis.CHARITY_SUPPORT, Level.OPT_OUT, "IE", **lists) == WEAK
    assert [name for name, found in PROFILES.items() if found.charity] == ["uk", "us"]
    for other in ("eu", "fr", "de", "it", "ca"):
        with pytest.raises(InvalidInput, match="can never suffice"):
            make.make_topic(session, accepts={other: ["charity_support@opt_out"]})


def test_row_75_a_sole_trader_is_a_person(session: Session) -> None:
    topic, one = make.make_topic(session, make.make_brand(session, profile="uk")), make.make_contact(session)
    said = {name: text for name, text in make.stated(Basis.B2B_INTEREST).items() if name != "company"}
    with pytest.raises(InvalidInput, match="a sole trader is a person"):
        make.grant(session, one, topic, level=Level.OPT_OUT, basis=Basis.B2B_INTEREST, actor=Actor.STAFF, evidence=said)


@pytest.mark.parametrize(
    ("brand", "country", "basis", "level", "gate_"),
    [
        ("us", "", "consent", "opt_out", None),
        ("us", "US", "consent", "opt_out", None),
        ("us", "FR", "consent", "opt_out", WEAK),
        ("us", "ES", "consent", "opt_out", WEAK),  # the EEA without a variant of its own
        ("us", "CH", "consent", "opt_out", None),  # no profile: the brand's alone decides
        ("us", "ES", "consent", "confirmed", None),
        ("us", "CA", "consent", "passive", WEAK),
        ("us", "CA", "consent", "opt_in", None),
        ("uk", "GB", "b2b_interest", "opt_out", None),
        ("uk", "FR", "b2b_interest", "opt_out", None),
        ("uk", "DE", "b2b_interest", "opt_out", WEAK),
        ("uk", "IT", "b2b_interest", "opt_out", WEAK),
        ("fr", "ES", "b2b_interest", "opt_out", WEAK),
        ("fr", "RE", "b2b_interest", "opt_out", None),  # Réunion is France
        ("eu", "FR", "b2b_interest", "opt_out", WEAK),  # the brand's own profile says no
        ("eu", "CA", "soft_opt_in", "opt_out", WEAK),
        ("ca", "FR", "implied_purchase", "opt_out", WEAK),
    ],
)
def test_row_75_a_pair_must_suffice_for_brand_and_country(
    session: Session, brand: str, country: str, basis: str, level: str, gate_: str | None
) -> None:
    assert gate(session, brand, Basis(basis), Level(level), country) == gate_


@pytest.mark.parametrize(
    ("country", "lists", "gate_"),
    [
        ("", {"eu": ["consent@opt_in"]}, None),
        ("FR", {"eu": ["consent@opt_in"]}, None),  # the brand's choice goes where the law leaves it
        ("DE", {"eu": ["consent@opt_in"]}, WEAK),  # and not where it does not
        ("FR", {"eu": ["consent@opt_in"], "fr": ["consent@confirmed"]}, WEAK),  # unless the topic says otherwise
        ("FR", {"fr": ["consent@opt_in"]}, WEAK),
    ],
)
def test_what_a_topic_accepts_holds_for_brand_and_country(
    session: Session, country: str, lists: dict[str, list[str]], gate_: str | None
) -> None:
    assert gate(session, "eu", Basis.CONSENT, Level.OPT_IN, country, **lists) == gate_


def test_a_country_that_becomes_known_later_counts_from_then_on(session: Session) -> None:
    brand = make.make_brand(session, profile="us")
    topic = make.make_topic(session, brand)
    one = make.make_contact(session)
    make.grant(session, one, topic, level=Level.OPT_OUT, actor=Actor.STAFF)
    assert gate_of(session, one, topic, brand).gate is None
    edit(session, one, {"country": "France"})
    assert gate_of(session, one, topic, brand).gate == WEAK
    assert permissions.of_contact(session, one)[topic].state is State.GRANTED


@pytest.mark.parametrize("profile", [name for name, found in PROFILES.items() if not found.tracking_default])
@pytest.mark.parametrize("basis", [Basis.CONSENT, Basis.B2B_INTEREST, Basis.SOFT_OPT_IN])
def test_row_46_who_said_nothing_is_not_measured_businesses_included(
    session: Session, profile: str, basis: Basis
) -> None:
    brand = make.make_brand(session, profile=profile)
    topic, one = make.make_topic(session, brand), make.make_contact(session)
    make.grant(session, one, topic, level=Level.CONFIRMED, basis=basis, actor=Actor.STAFF)
    assert gate_of(session, one, topic, brand).tracked is False
    make.track(session, one, brand)
    assert gate_of(session, one, topic, brand).tracked is True  # their own yes
    make.track(session, one, brand, granted=False)
    assert gate_of(session, one, topic, brand).tracked is False


def test_measuring_by_default_stays_at_home(session: Session) -> None:
    for profile, country, measured in (
        ("us", "", True),
        ("us", "US", True),
        ("us", "DE", False),
        ("us", "CH", True),
        ("eu", "", True),
        ("eu", "FR", True),  # the brand decided so for everybody, against the profile's advice
    ):
        brand = make.make_brand(session, profile=profile, tracking_default=True)
        topic = make.make_topic(session, brand)
        one = make.permitted_contact(session, topic, country=country)
        assert gate_of(session, one, topic, brand).tracked is measured, (profile, country)
        assert measured_by_default(True, profile, country) is measured
        assert not measured_by_default(False, profile, country)


def test_a_profile_that_nobody_knows_is_the_strict_one(session: Session) -> None:
    assert gate(session, "atlantis", Basis.CONSENT, Level.OPT_IN) == WEAK
    assert gate(session, "atlantis", Basis.CONSENT, Level.CONFIRMED) is None
    assert gate(session, "atlantis", Basis.CONSENT, Level.OPT_IN, eu=["consent@opt_in"]) is None


def test_the_data_hangs_together() -> None:
    for found in PROFILES.values():
        assert all(parse_pair(text) for text in found.floors)
        assert check_accepts({found.name: found.floors})[found.name] == sorted(found.possible)
        assert accepted({}, found.name) <= found.possible
        assert "consent@confirmed" in accepted({}, found.name)
    assert set(COUNTRIES.values()) == set(PROFILES)
    assert [profile.name for profile in deciding("fr", "FR")] == ["fr"]
    assert [profile.name for profile in deciding("fr", "AT")] == ["fr", "eu"]
    with pytest.raises(InvalidInput, match="No profile is called 'xx'"):
        check_accepts({"xx": []})


def test_the_conditions_are_kept_as_evidence(session: Session) -> None:
    topic, one, two = make.make_topic(session), make.make_contact(session), make.make_contact(session)
    said = make.stated(Basis.SOFT_OPT_IN) | {"sale": "Order 4711"}
    make.grant(session, one, topic, level=Level.OPT_OUT, basis=Basis.SOFT_OPT_IN, actor=Actor.STAFF, evidence=said)
    state(session, two, topic, Basis.SOFT_OPT_IN, said, None, "import")
    for person in (one, two):
        assert permissions.entries(session, person)[-1].evidence["sale"] == "Order 4711"
    assert session.execute(text("SELECT count(*) FROM permission_evidence WHERE detail ? 'refusal'")).scalar_one() == 2
