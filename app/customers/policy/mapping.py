"""Which column of a file becomes which field: what can be chosen, and what is suggested."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy.dialect import is_address
from app.customers.policy.platforms import plain, recognise
from app.customers.policy.states import WORDS
from app.customers.policy.values import DateOrder, Kind, parse_boolean, parse_date, parse_number

CORE_TARGETS = (
    "email",
    "first_name",
    "last_name",
    "full_name",
    "language",
    "time_zone",
    "country",
    "source",
    "tags",
    "status",
    "confirmed",
    "opted_in_at",
    "opted_in_ip",
    "opted_out_at",
    "blocked",
    "bounced_at",
    "complained_at",
    "changed_at",
)
# Several columns may say so; one that does is enough.
DEPARTURES = ("opted_out_at", "blocked", "bounced_at", "complained_at")

# Column titles as other programs write them, without accents, case and punctuation.
_TITLES = {
    "email": "email emailaddress mail adresseemail adressemail adresseelectronique courriel subscriberemail",
    "first_name": "firstname fname givenname prenom forename",
    "last_name": "lastname lname surname familyname nom nomdefamille",
    "full_name": "name fullname nomcomplet nometprenom contactname",
    "language": "language lang langue locale preferredlanguage",
    "time_zone": "timezone fuseauhoraire",
    "country": "country countrycode cc pays codepays",
    "source": "source origin origine acquisitionsource",
    "tags": "tags tag etiquettes labels",
    "status": "status state subscriptionstatus statut emailstatus",
    "opted_in_at": "optedinat confirmtime confirmedat subscribedat signupdate dateinscription optindate",
    "opted_in_ip": "optedinip confirmip signupip subscriptionip",
    "opted_out_at": "unsubtime unsubscribedat unsubscribed optouttime optedoutat optoutdate desinscritle",
    "blocked": "blacklisted blocklisted blacklistedat emailblacklisted donotcontact",
    "bounced_at": "cleantime bouncedat hardbounced hardbouncedat",
    "complained_at": "complainedat spamcomplaint markedasspam",
    "changed_at": "lastchanged updatedat modifiedat lastmodified datemodified modifiedtime",
}
_BY_TITLE = {title: target for target, titles in _TITLES.items() for title in titles.split()}


@dataclass(frozen=True)
class Declared:
    """What a mapping needs to know of a declared field."""

    name: str
    kind: Kind
    choices: tuple[str, ...]
    labels: tuple[str, ...]


def suggest(columns: Sequence[str], samples: Sequence[Sequence[str]], fields: Iterable[Declared]) -> dict[str, str]:
    """Return a mapping column → target by the columns' titles, and by what they mean in another program's export.

    The address, and what is a status, are found by looking at the cells too.
    """
    platform = recognise(columns)
    theirs = platform.targets if platform else {}
    by_title = dict(_BY_TITLE)
    for declared in fields:
        for title in (declared.name, *declared.labels):
            by_title[plain(title)] = declared.name
    mapping: dict[str, str] = {}
    for index, column in enumerate(columns):
        title = plain(column)
        target = theirs[title] if title in theirs else by_title.get(title) or by_title.get(_last_part(column))
        if target == "status" and "status" not in theirs.values() and not _all_states(index, samples):
            continue
        if target and (target not in mapping.values() or target in DEPARTURES):
            mapping[column] = target
    if "email" not in mapping.values() and (found := _address_column(columns, samples)):
        mapping[found] = "email"
        others = [column for column in columns if column != found]
        if len(columns) == 2 and others[0] not in mapping and others[0].startswith("column "):
            mapping[others[0]] = "full_name"
    return mapping


def _last_part(column: str) -> str:
    """The title of what was nested: ``fields.size`` → ``size``."""
    return plain(column.rpartition(".")[2]) if "." in column else ""


def _all_states(index: int, samples: Sequence[Sequence[str]]) -> bool:
    cells = [row[index] for row in samples if len(row) > index and row[index].strip()]
    return bool(cells) and all(plain(cell) in WORDS for cell in cells)


def check(mapping: Mapping[str, str], columns: Sequence[str], fields: Iterable[Declared]) -> None:
    """Raise ``InvalidInput`` unless ``mapping`` names what exists, each target once, an address too."""
    known = {*CORE_TARGETS, *(declared.name for declared in fields)}
    seen: dict[str, str] = {}
    for column, target in mapping.items():
        if column not in columns:
            raise InvalidInput(
                _("The file has no column %(column)s; it has: %(all)s.", column=column, all=", ".join(columns)),
                field="mapping",
            )
        if target not in known:
            raise InvalidInput(
                _("Column %(column)s: no field is called %(target)s.", column=column, target=target), field="mapping"
            )
        if target in seen and target not in DEPARTURES:
            raise InvalidInput(
                _(
                    "Columns %(one)s and %(two)s cannot both become %(target)s.",
                    one=seen[target],
                    two=column,
                    target=target,
                ),
                field="mapping",
            )
        seen[target] = column
    if "email" not in seen:
        raise InvalidInput(_("Say which column holds the e-mail address."), field="mapping")


class Inference:
    """Finds the narrowest type that all values of a column have. Feed it every cell, then ask ``kind``.

    Columns of 0 and 1 are numbers; digits that begin with a zero (post codes) are text.
    """

    def __init__(self) -> None:
        self._candidates = [Kind.BOOLEAN, Kind.DATE, Kind.NUMBER]
        self._seen: set[str] = set()
        self._any = False

    def feed(self, cell: str) -> None:
        """Take one cell into account."""
        text = cell.strip()
        if not text or text in self._seen or not self._candidates:
            return
        self._any = True
        if len(self._seen) < 10_000:
            self._seen.add(text)
        self._candidates = [kind for kind in self._candidates if _reads_as(kind, text)]

    @property
    def kind(self) -> Kind:
        """The type found so far."""
        return self._candidates[0] if self._any and self._candidates else Kind.TEXT


def _reads_as(kind: Kind, text: str) -> bool:
    try:
        if kind is Kind.BOOLEAN:
            parse_boolean(text)
            return len(text) > 1
        if kind is Kind.DATE:
            parse_date(text, DateOrder.CLEAR)
            return True
        parse_number(text)
        return not re.match(r"[+-]?0\d", text) and not text.startswith("+")
    except InvalidInput:
        return False


def _address_column(columns: Sequence[str], samples: Sequence[Sequence[str]]) -> str | None:
    for index, column in enumerate(columns):
        cells = [row[index] for row in samples if len(row) > index and row[index].strip()]
        if cells and sum(is_address(cell) for cell in cells) > len(cells) / 2:
            return column
    return None
