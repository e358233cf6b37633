"""Exports of other programs, known by the titles of their columns: what each column means there. Pure.

Sources: Mailchimp's "view or export contacts" (columns of audience exports); knadh/listmonk ``cmd/subscribers.go``;
phpList's export page; Mailtrain's ``subscriptions`` model (status 1 to 4); Mautic's ``DoNotContact`` entity (0 to 3);
Brevo's API "export contacts"; Sendy's lists, exported one by one for each state. Titles are compared without case,
accents and punctuation.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.customers.policy.states import Standing


@dataclass(frozen=True)
class Platform:
    """A program. A file is its when it has all titles of ``known_by`` and, where named, one of ``any_of``.

    ``targets`` maps titles to what they become; blank for those that mean nothing here. ``codes`` says what numbers
    mean in a status.
    """

    name: str
    known_by: frozenset[str]
    any_of: frozenset[str] = frozenset()
    targets: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Standing] = field(default_factory=dict)


def _titles(text: str) -> frozenset[str]:
    return frozenset(text.split())


PLATFORMS = (
    Platform(
        "Mailchimp",
        _titles("emailaddress memberrating"),
        _titles("leid euid"),
        {
            "emailaddress": "email",
            "timezone": "time_zone",
            "cc": "country",
            "confirmtime": "opted_in_at",
            "confirmip": "opted_in_ip",
            "lastchanged": "changed_at",
            "unsubtime": "opted_out_at",
            "cleantime": "bounced_at",
            "tags": "tags",
        },
    ),
    Platform(
        "listmonk",
        _titles("uuid email name status createdat updatedat"),
        _titles("attributes attribs"),
        {"name": "full_name", "status": "status", "createdat": "opted_in_at", "updatedat": "changed_at"},
    ),
    Platform(
        "Mautic",
        _titles("email"),
        _titles("dateidentified donotcontact dncreason preferredprofileimage stageid attribution lastactive"),
        {
            "firstname": "first_name",
            "lastname": "last_name",
            "preferredlocale": "language",
            "country": "country",
            "datemodified": "changed_at",
            "donotcontact": "status",
            "dncreason": "status",
            "dncdate": "opted_out_at",
            "donotcontactdate": "opted_out_at",
            "tags": "tags",
        },
        {
            "": Standing.PERMITTED,
            "0": Standing.PERMITTED,
            "no": Standing.PERMITTED,
            "false": Standing.PERMITTED,
            "1": Standing.LEFT,
            "yes": Standing.LEFT,
            "true": Standing.LEFT,
            "2": Standing.BOUNCED,
            "3": Standing.BLOCKED,
        },
    ),
    Platform(
        "Brevo",
        _titles("email"),
        _titles("addedtime modifiedtime emailmarketing emailblacklisted doubleoptin"),
        {
            "email": "email",
            "firstname": "first_name",
            "prenom": "first_name",
            "lastname": "last_name",
            "nom": "last_name",
            "addedtime": "",
            "modifiedtime": "changed_at",
            "emailmarketing": "status",
            "emailblacklisted": "blocked",
            "emailblocklisted": "blocked",
            "blacklisted": "blocked",
            "blocklisted": "blocked",
            "unsubscribedtime": "opted_out_at",
        },
    ),
    Platform(
        "phpList",
        _titles("email"),
        _titles("isthissubscriberconfirmed isthissubscriberblacklisted isthisuserconfirmed isthisuserblacklisted"),
        {
            "isthissubscriberconfirmed": "confirmed",
            "isthisuserconfirmed": "confirmed",
            "isthissubscriberblacklisted": "blocked",
            "isthisuserblacklisted": "blocked",
            "isthisaccountdisabled": "blocked",
            "entered": "opted_in_at",
            "lastmodified": "changed_at",
        },
    ),
    Platform(
        "phpList",
        _titles("email confirmed blacklisted"),
        _titles("optedin bouncecount uniqid foreignkey"),
        {
            "confirmed": "confirmed",
            "blacklisted": "blocked",
            "disabled": "blocked",
            "entered": "opted_in_at",
            "modified": "changed_at",
        },
    ),
    Platform(
        "Mailtrain",
        _titles("email status"),
        _titles("cid optincountry optinip hashemail istest"),
        {
            "status": "status",
            "optinip": "opted_in_ip",
            "created": "opted_in_at",
            "updated": "changed_at",
            "unsubscribed": "opted_out_at",
            "tz": "time_zone",
        },
        {
            "1": Standing.PERMITTED,
            "2": Standing.LEFT,
            "3": Standing.BOUNCED,
            "4": Standing.COMPLAINED,
        },
    ),
    Platform(
        "Sendy",
        _titles("name email"),
        _titles("lastactivity joined timestamp lastcampaign"),
        {"name": "full_name", "email": "email", "status": "status", "joined": "opted_in_at"},
    ),
)


def recognise(columns: Sequence[str]) -> Platform | None:
    """Return the program whose export has these columns, None when none is known."""
    titles = {plain(column) for column in columns}
    for platform in PLATFORMS:
        if platform.known_by <= titles and (not platform.any_of or platform.any_of & titles):
            return platform
    return None


def plain(title: str) -> str:
    """Return a title without case, accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", title.lower())
    return "".join(c for c in decomposed if c.isalnum())
