"""What a mail will look like for somebody, what is wrong with it, and a real test mail: made as the real ones are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.services import audit
from app.brands.queries import sending
from app.brands.queries.sending import RelayInfo
from app.core import clock, ids, links, tokens
from app.core.errors import InvalidInput, NotFound
from app.core.jobs import JobName, Queue, enqueue
from app.core.tokens import Purpose
from app.customers.policy import normalise
from app.customers.queries.contacts import ContactInfo, contact_table, several
from app.mail import mime
from app.mail.content import Design, check_subject
from app.mail.errors import DesignError
from app.mail.merge import Value
from app.mail.skeleton import Preview
from campaigns.queries import audience, campaigns
from campaigns.services.campaigns import ContentText
from campaigns.services.compose import CONTACT_FIELDS, Composer, composer
from consent.policy.ladder import State
from consent.queries import permissions
from consent.queries import why as grounds

TEST = JobName("campaigns.send_test", Queue.SYSTEM)
NOBODY = 0
MAX_TESTS = 10  # addresses

# Who a preview is for until somebody is chosen, by language.
_SOMEBODY = {"en": ("Ada", "Lovelace", "GB"), "fr": ("Marie", "Curie", "FR")}


@dataclass(frozen=True)
class Problem:
    """One thing to mend in a design; an ``error`` keeps it from compiling. Lines and columns count from 1, 0 is
    nowhere in particular."""

    message: str
    line: int = 0
    column: int = 0
    error: bool = True

    @property
    def severity(self) -> str:
        """The word that the code editor knows."""
        return "error" if self.error else "warning"


@dataclass(frozen=True)
class TestMail:
    """A finished test mail and the relay it goes through."""

    __test__ = False  # pytest takes classes called Test… for its own
    relay: RelayInfo
    mail_from: str
    to: str
    data: bytes


def problems(session: Session, campaign_id: int, language: str, content: ContentText) -> list[Problem]:
    """Return what is wrong or doubtful in a content, errors first; empty for a design that is ready."""
    composed = composer(session, campaign_id)
    found = []
    if not content.subject.strip():
        found.append(Problem(_("The subject is empty."), error=False))
    for check in (
        lambda: check_subject(content.subject, composed.fields),
        lambda: composed.design(language, content.mjml, content.preheader),
    ):
        try:
            result = check()
        except DesignError as error:
            found.append(Problem(error.problem, error.line, error.column))
        else:
            if isinstance(result, Design):
                found += [Problem(warning, error=False) for warning in result.warnings]
    return sorted(found, key=lambda problem: not problem.error)


def preview(
    session: Session, campaign_id: int, language: str, content: ContentText, contact_id: int | None = None
) -> Preview:
    """Return subject, HTML and text as a contact would get them. Raises ``DesignError``, ``NotFound``."""
    composed = composer(session, campaign_id)
    skeleton = composed.plain(language, content.subject, composed.design(language, content.mjml, content.preheader))
    return skeleton.preview(_values(session, composed, _reader(session, contact_id), language))


def readers(session: Session, campaign_id: int, limit: int = 10) -> list[ContactInfo]:
    """Return some people of the audience, to preview as; nobody while there is none."""
    try:
        people = audience.members(session, campaign_id).subquery("people")
    except InvalidInput:
        return []
    found = session.scalars(select(people.c.contact_id).order_by(people.c.contact_id).limit(limit))
    return several(session, list(found))


def find_reader(session: Session, address: str) -> int:
    """Return the contact with an address. Raises ``InvalidInput``, ``NotFound``."""
    key = normalise(address).email_key
    found = session.scalar(select(contact_table().c.id).where(contact_table().c.email_key == key))
    if found is None:
        raise NotFound(_("No contact has the address %(address)s.", address=address))
    return int(found)


def request_test(
    session: Session, campaign_id: int, language: str, addresses: Sequence[str], contact_id: int | None = None
) -> int:
    """Enqueue a test mail to each address, filled as for a contact, and return how many.

    Raises ``InvalidInput`` for an address that is none, ``DesignError`` for a design that does not compile,
    ``NotFound``.
    """
    content = campaigns.content(session, campaign_id, language)
    if content is None:
        raise NotFound(_("The campaign has no content in this language."))
    clean = [normalise(address).email for address in addresses]
    if not clean:
        raise InvalidInput(_("Give an address that the test goes to."), field="address")
    if len(clean) > MAX_TESTS:  # a test asks for nobody's permission, so it must not become a mailing
        raise InvalidInput(_("A test goes to %(max)d addresses at most.", max=MAX_TESTS), field="address")
    preview(session, campaign_id, language, _text_of(content), contact_id)
    for address in clean:
        enqueue(session, TEST, campaign_id, language, address, contact_id)
    audit.record(session, "tested", "campaign", campaign_id, detail={"language": language, "mails": len(clean)})
    return len(clean)


def test_mail(session: Session, campaign_id: int, language: str, address: str, contact_id: int | None) -> TestMail:
    """Write and sign a test mail: untracked, its permission links are nobody's. Raises ``UserError``."""
    content = campaigns.content(session, campaign_id, language)
    if content is None:
        raise NotFound(_("The campaign has no content in this language."))
    composed = composer(session, campaign_id)
    design = composed.design(language, content.mjml, content.preheader)
    skeleton = composed.plain(language, f"[Test] {content.subject}", design)
    now = clock.now()
    values = _values(session, composed, _reader(session, contact_id), language)
    values.update(to_address=address, to_name="", message_id=f"test.{ids.random_id(16)}", date=mime.date_header(now))
    rendered = skeleton.render(values)
    return TestMail(
        sending.relay(session, composed.brand.id),
        f"{tokens.sign_return_path(campaign_id, NOBODY)}@{composed.identity.return_path_domain}",
        address,
        rendered.message(composed.signer().sign(rendered, int(now.timestamp()))),
    )


def _text_of(content: campaigns.ContentInfo) -> ContentText:
    return ContentText(content.subject, content.preheader, content.mjml)


def _reader(session: Session, contact_id: int | None) -> ContactInfo | None:
    if contact_id is None:
        return None
    found = several(session, [contact_id])
    if not found:
        raise NotFound(_("There is no contact %(id)d.", id=contact_id))
    return found[0]


def _values(session: Session, composed: Composer, reader: ContactInfo | None, language: str) -> dict[str, Value]:
    permission = tokens.sign_message(Purpose.PERMISSION, composed.campaign_id, NOBODY)
    values: dict[str, Value] = {
        "to_address": "reader@example.com",
        "to_name": "",
        "message_id": "preview",
        "date": mime.date_header(clock.now()),
        "unsubscribe_url": links.unsubscribe(permission),
        "unsubscribe_mailbox": tokens.unsubscribe_mailbox(permission, composed.identity.return_path_domain),
        "preferences_url": links.preferences(permission),
        "view_url": links.view(tokens.sign_message(Purpose.VIEW, composed.campaign_id, NOBODY)),
        "stay_url": links.stay(tokens.sign_message(Purpose.STAY, composed.campaign_id, NOBODY)),
    }
    values["why"] = _why(session, composed, reader, language)
    if reader is None:
        first, last, country = _SOMEBODY.get(language, _SOMEBODY["en"])
        values |= {"contact.email": "reader@example.com", "contact.language": language, "contact.country": country}
        return values | {"contact.first_name": first, "contact.last_name": last}
    for name in CONTACT_FIELDS:
        values[f"contact.{name}"] = getattr(reader, name)
    for name, value in reader.attributes.items():
        values[f"contact.{name}"] = tuple(value) if isinstance(value, list) else value
    return values


def _why(session: Session, composed: Composer, reader: ContactInfo | None, language: str) -> str:
    """Return why the reader would get the mail; for somebody, or who did not permit it, what most will read."""
    standing = permissions.of_contact(session, reader.id).get(composed.topic.id) if reader else None
    if standing is None or standing.state is not State.GRANTED:
        return composed.why(language)
    said, first = grounds.of_event(session, standing.event_id, composed.campaign_id)
    return composed.why(language, said, first=first)
