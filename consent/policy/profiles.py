"""Jurisdiction profiles as data: which pairs of basis and level suffice for marketing mail, and where.

Two profiles decide about a mail: the brand's, and that of the country the contact is known to live in. A pair must
suffice under both. What a basis asks for, and when it ends, stands in ``policy.grounds`` and is the same everywhere.
No legal advice; ``docs/reference/profiles.md`` is the same table for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from app.core.errors import InvalidInput
from consent.policy.ladder import Basis, closed_upwards


@dataclass(frozen=True)
class Profile:
    """What a jurisdiction accepts.

    ``defaults`` are the minimal pairs of a topic that says nothing itself; ``choices`` those that a brand may decide
    to accept beside them. ``tracking_default`` tells whether opens and clicks may be measured before a person said
    anything about it.
    """

    name: str
    defaults: tuple[str, ...]
    choices: tuple[str, ...]
    tracking_default: bool = False

    @property
    def floors(self) -> tuple[str, ...]:
        """Return the weakest pairs that a topic may ever accept here."""
        return self.defaults + self.choices

    @property
    def possible(self) -> frozenset[str]:
        """Return every pair that a topic may accept here."""
        return frozenset(closed_upwards(self.floors))

    @property
    def charity(self) -> bool:
        """Tell whether a charity may write to its supporters by a soft opt-in of its own."""
        return any(text.startswith(f"{Basis.CHARITY_SUPPORT}@") for text in self.floors)


# Consent has to be proven (GDPR 7(1)), and what proves it is the button behind a mail to that mailbox: ``confirmed``.
# Reading whether a mail was opened asks for consent of its own in Europe (ePrivacy Directive 2002/58/EC, Art. 5(3)).
_SOFT = "soft_opt_in@opt_out"  # ePrivacy 13(2): own customers, similar goods, told and able to refuse at every step
_BUSINESS = "b2b_interest@opt_out"

EUROPE = Profile(
    "eu",
    # ePrivacy 13(1): prior consent of natural persons. 13(5) leaves legal persons to the member states, so the strict
    # profile, which stands for all of them, knows no business interest.
    defaults=("consent@confirmed", _SOFT),
    choices=("consent@opt_in",),
)
FRANCE = Profile(
    "fr",
    # Code des postes et des communications électroniques, L34-5: consent, and the soft opt-in of its fourth sentence.
    # Professional addresses: CNIL, "La prospection commerciale par courrier électronique": no consent needed when the
    # mail relates to the role, and the person was told and able to refuse when the address was collected.
    defaults=("consent@confirmed", _SOFT, _BUSINESS),
    choices=("consent@opt_in",),
)
GERMANY = Profile(
    "de",
    # UWG § 7(2) no. 2: express consent, whoever is written to, so business mail needs it, too; § 7(3): soft opt-in.
    # BGH I ZR 164/09 (10 February 2011): the sender proves each consent, by double opt-in; so nothing less is offered.
    defaults=("consent@confirmed", _SOFT),
    choices=(),
)
ITALY = Profile(
    "it",
    # Codice in materia di protezione dei dati personali (d.lgs. 196/2003), Art. 130(1)-(2): consent of the
    # "contraente", which legal persons are as well: no business interest. 130(4): soft opt-in.
    defaults=("consent@confirmed", _SOFT),
    choices=("consent@opt_in",),
)
UNITED_KINGDOM = Profile(
    "uk",
    # PECR 2003 (SI 2003/2426), reg. 22(2): consent of individual subscribers; 22(3): soft opt-in. Corporate
    # subscribers are not covered; sole traders and most partnerships are individuals (reg. 2(1)).
    # 22(3A), by the Data (Use and Access) Act 2025, s. 114, in force since 5 February 2026: charities may write to
    # their supporters for their own charitable purposes. It is a choice, because the brand must be a charity.
    defaults=("consent@confirmed", _SOFT, _BUSINESS),
    choices=("consent@opt_in", "charity_support@opt_out"),
)
CANADA = Profile(
    "ca",
    # CASL (S.C. 2010, c. 23), s. 6(1): express consent, or implied by an existing business relationship, s. 10(9)(a)
    # and (10). Business addresses: s. 10(9)(b)-(c), published or given without a refusal, and the mail relates to the
    # role; a choice, because who discloses an address where is for the brand to judge.
    # Measuring: Quebec's Law 25 asks first (Act respecting the protection of personal information, s. 8.1).
    defaults=("consent@opt_in", "implied_purchase@opt_out", "implied_inquiry@opt_out"),
    choices=(_BUSINESS,),
)
UNITED_STATES = Profile(
    "us",
    # CAN-SPAM Act (15 U.S.C. 7704(a)(3)-(5)): no permission needed before, but opting out must work at once and stay.
    defaults=tuple(f"{basis}@opt_out" for basis in Basis),
    choices=(),
    tracking_default=True,
)

_ALL = (EUROPE, FRANCE, GERMANY, ITALY, UNITED_KINGDOM, CANADA, UNITED_STATES)
PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _ALL}

# The European Economic Area is Europe's profile, save for who has a variant of their own. ISO 3166-1 codes; the French
# overseas departments (GDPR and L34-5 hold there) and the territories of the United States have codes of their own.
_PLACES = {
    "eu": "AT AX BE BG CY CZ DK EE ES FI GR HR HU IE IS LI LT LU LV MT NL NO PL PT RO SE SI SK",
    "fr": "FR GF GP MF MQ RE YT",
    "de": "DE",
    "it": "IT",
    "uk": "GB",
    "ca": "CA",
    "us": "US AS GU MP PR VI",
}
COUNTRIES: Mapping[str, str] = {code: name for name, codes in _PLACES.items() for code in codes.split()}


def profile(name: str) -> Profile:
    """Return a profile by name; the strictest one for a name that is not known."""
    return PROFILES.get(name, EUROPE)


def deciding(brand_profile: str, country: str | None) -> tuple[Profile, ...]:
    """Return the profiles that decide about a mail: the brand's, and the country's when it is known and has one."""
    own = profile(brand_profile)
    local = COUNTRIES.get(country or "")
    return (own,) if local in (None, own.name) else (own, PROFILES[local])


def accepted(accepts: Mapping[str, Iterable[str]], brand_profile: str, country: str | None = None) -> frozenset[str]:
    """Return the pairs that suffice for a topic of a brand, for somebody in ``country``.

    Under the brand's profile the list counts that the topic holds for it, else the profile's defaults. Under the
    country's, too, the topic's own list for it; without one, what the law there lets a brand choose.
    """
    own, *local = deciding(brand_profile, country)
    pairs = frozenset(accepts[own.name] if own.name in accepts else closed_upwards(own.defaults))
    for other in local:
        pairs &= frozenset(accepts[other.name]) if other.name in accepts else other.possible
    return pairs


def check_accepts(accepts: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return what a topic accepts by profile, closed upwards. Raises ``InvalidInput`` for what no law there allows."""
    closed = {}
    for name, minimal in accepts.items():
        if name not in PROFILES:
            raise InvalidInput(f"No profile is called {name!r}. Profiles: {', '.join(PROFILES)}.", field="accepts")
        closed[name] = closed_upwards(minimal)
        if beyond := sorted(set(closed[name]) - PROFILES[name].possible):
            raise InvalidInput(f"Under the profile {name!r}, {beyond[0]} can never suffice.", field="accepts")
    return closed


def measured_by_default(brand_default: bool, brand_profile: str, country: str | None) -> bool:
    """Tell whether opens and clicks of somebody are measured who consented to mail and never spoke of measuring.

    A brand may measure by default where its own profile allows it; that is not carried to people whose country's
    profile asks first. A brand under a profile that asks first decides about that itself, for everybody.
    """
    own, *local = deciding(brand_profile, country)
    return brand_default and (not own.tracking_default or all(other.tracking_default for other in local))
