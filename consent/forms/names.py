"""What people read for states, levels, bases, acts and reasons."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import lazy_gettext as _

from consent.policy.ladder import parse_pair

LANGUAGE_NAMES = {"en": "English", "fr": "Français"}
STATE_NAMES = {
    "never_asked": _("never asked"),
    "pending": _("pending"),
    "granted": _("granted"),
    "withdrawn": _("withdrawn"),
    "expired": _("expired"),
}
LEVEL_NAMES = {
    "opt_out": _("opt-out"),
    "passive": _("passive"),
    "opt_in": _("opt-in"),
    "confirmed": _("confirmed"),
}
BASIS_NAMES = {
    "consent": _("consent"),
    "soft_opt_in": _("soft opt-in"),
    "charity_support": _("support of a charity"),
    "b2b_interest": _("business interest"),
    "implied_purchase": _("implied by a purchase"),
    "implied_inquiry": _("implied by an inquiry"),
}
# What a topic may accept, the strictest first, as a choice on its page.
PAIR_NAMES = {
    "consent@confirmed": _("Consent, confirmed by a button in a mail (double opt-in)"),
    "consent@opt_in": _("Consent without that confirmation, e.g. imported with evidence"),
    "consent@opt_out": _("Nothing but that they did not opt out"),
    "soft_opt_in@opt_out": _("Soft opt-in: customers, similar goods, told and able to refuse when they bought"),
    "charity_support@opt_out": _("Supporters of a charity, told and able to refuse; only if the brand is a charity"),
    "b2b_interest@opt_out": _("Business interest: companies, related to the role, told and able to refuse"),
    "implied_purchase@opt_out": _("Implied by a purchase, for 24 months"),
    "implied_inquiry@opt_out": _("Implied by an inquiry, for 6 months"),
}
PROFILE_NAMES = {
    "eu": _("Europe, strict"),
    "fr": _("France"),
    "de": _("Germany"),
    "it": _("Italy"),
    "uk": _("United Kingdom"),
    "ca": _("Canada"),
    "us": _("United States"),
}
PROFILE_TEXTS = {
    "eu": _(
        "Right for every country of the European Economic Area. People consent and confirm it by a button in a mail;"
        " customers may get mail about similar goods when they could refuse at the purchase."
    ),
    "fr": _(
        "As Europe; and people in companies may be written to about their role, when they were told and could refuse"
        " as the address was collected."
    ),
    "de": _("Consent confirmed by a button in a mail and nothing less, of companies too; customers as in Europe."),
    "it": _("As Europe; companies are protected as people are."),
    "uk": _(
        "As Europe; companies may be written to when they were told and could refuse, sole traders count as people."
        " A charity may choose to write to its supporters."
    ),
    "ca": _("Express consent, unlimited; or implied by a purchase for 24 months, by an inquiry for 6."),
    "us": _("Nothing is needed before the first mail; whoever opts out gets no more. Clicks may be measured unasked."),
}
ACTION_NAMES = {
    "request": _("Asked for"),
    "grant": _("Permitted"),
    "confirm": _("Confirmed"),
    "withdraw": _("Withdrawn"),
    "expire": _("Expired"),
    "silence": _("Asked again, no answer"),
    "retract": _("Ended: its import was taken back"),
    "object": _("Objected to all marketing"),
    "complain": _("Reported a mail as spam"),
    "pause": _("Paused mails"),
    "resume": _("Ended the pause"),
    "correct": _("Address corrected"),
    "merge": _("Merged"),
    "part": _("Merge undone"),
    "erase": _("Data erased"),
}
ACTOR_NAMES = {
    "subscriber": _("the person"),
    "staff": _("staff, on request"),
    "import": _("an import"),
    "system": _("the system"),
}
REASON_NAMES = {
    "hard_bounce": _("hard bounce"),
    "soft_bounces": _("repeated soft bounces"),
    "complaint": _("spam complaint"),
    "objection": _("objection"),
    "erasure": _("erasure"),
    "manual": _("by hand"),
    "import": _("imported list"),
}
LEAVING_NAMES = {
    "too_many": _("Too many e-mails"),
    "not_relevant": _("It does not interest me"),
    "not_expected": _("It is not what I expected"),
    "no_longer": _("I no longer need it"),
    "never_asked": _("I never asked for it"),
    "other": _("Something else"),
}
MESSAGE_STATE_NAMES = {
    "queued": _("waiting"),
    "claimed": _("being sent"),
    "deferred": _("waiting"),
    "sent": _("sent"),
    "failed": _("refused"),
    "unknown": _("perhaps sent"),
    "skipped": _("not sent"),
    "held_out": _("not sent, for comparison"),
    "cancelled": _("not sent"),
}


def in_words(pairs: Iterable[str]) -> list[str]:
    """Return the least that suffices, basis by basis."""
    least: dict[str, str] = {}
    for text in sorted(pairs, key=lambda pair: (parse_pair(pair)[1].rung, pair)):
        basis, level = parse_pair(text)
        least.setdefault(basis.value, level.value)
    return [f"{BASIS_NAMES[basis]} · {LEVEL_NAMES[level]}" for basis, level in least.items()]
