"""What an import does to people who are known already: a rule for each field. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from flask_babel import gettext as _

from app.core.errors import InvalidInput


class Rule(StrEnum):
    """What happens to a value that is there when the file holds another; a blank cell never changes anything."""

    OVERWRITE = "overwrite"
    FILL = "fill"  # only what is empty
    KEEP = "keep"  # only for people who are new
    NEWEST = "newest"  # what was changed last, by the file's own date of the row


# To tags a rule adds; there is no newest among them.
_TAGS = (Rule.OVERWRITE, Rule.FILL, Rule.KEEP)


def check(rules: Mapping[str, str], targets: Mapping[str, str]) -> dict[str, str]:
    """Return the rules that differ from overwriting, for targets of a mapping (column → target).

    Raises ``InvalidInput`` for a rule that nobody knows, and for one that needs a date the file has not.
    """
    kept: dict[str, str] = {}
    for target, rule in rules.items():
        if rule not in set(Rule):
            raise InvalidInput(
                _("%(rule)s is no rule. Rules: %(all)s.", rule=rule, all=", ".join(Rule)), field="mapping"
            )
        if target not in targets.values() or rule == Rule.OVERWRITE:
            continue
        if target == "tags" and rule not in _TAGS:
            raise InvalidInput(_("Tags are added, kept, or filled in where there is none."), field="mapping")
        if rule == Rule.NEWEST and "changed_at" not in targets.values():
            raise InvalidInput(
                _("%(field)s: for the newest to win, say which column tells when a row was changed.", field=target),
                field="mapping",
            )
        kept[target] = rule
    return kept


def rule_of(rules: Mapping[str, str], target: str) -> Rule:
    """Return the rule of a column of ``contact`` or a declared field."""
    if target in ("first_name", "last_name") and target not in rules:
        return Rule(rules.get("full_name", Rule.OVERWRITE))
    return Rule(rules.get(target, Rule.OVERWRITE))
