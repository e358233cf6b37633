"""What a form asks about age, where its brand wants that: old enough, or the address of a parent. No date of birth."""

from __future__ import annotations

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.customers.policy import Address, normalise
from consent.policy.bombing import mailbox_key
from consent.views.form_page import FormPage


def parent_of(page: FormPage, child: Address) -> Address | None:
    """Return the parent's address when the visitor says to be too young, else None. Raises ``InvalidInput`` when
    nothing was said, or when the parent's address is missing or leads to the child's own mailbox."""
    if page.age is None:
        return None
    said = page.typed.get("age", "")
    if said not in ("enough", "younger"):
        raise InvalidInput(_("Say whether you are old enough."), field="age")
    if said == "enough":
        return None
    try:
        parent = normalise(page.typed.get("parent", "")[:320])
    except InvalidInput as error:
        raise InvalidInput(str(error), field="parent") from None
    if mailbox_key(parent.email, parent.domain) == mailbox_key(child.email, child.domain):
        raise InvalidInput(_("A parent needs an address of their own."), field="parent")
    return parent


def age_statement(page: FormPage) -> dict[str, str]:
    """Return what was said about age, as evidence keeps it."""
    if page.age is None:
        return {}
    said = "or older" if page.typed.get("age") == "enough" else "not yet"
    return {"age_statement": f"{page.age} {said} ({page.form.age_country})"}
