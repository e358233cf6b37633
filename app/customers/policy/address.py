"""What is an address, and when are two of them the same.

The syntax is that of RFC 5321 and RFC 6531 as ``email-validator`` reads it in its strict mode, without quoted local
parts, address literals and special-use domains: nobody can be reached there. Two addresses are the same when they
differ in case or in the spelling of an international domain; dots and plus signs are never removed, because only
the receiving host knows what they mean.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email
from flask_babel import gettext as _

from app.core.errors import InvalidInput
from app.core.secrets import address_key

# RFC 5322 section 3.2.3, dot-atom; 64 octets by RFC 5321 section 4.5.3.1.1.
_ATEXT = r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+"
_PLAIN_LOCAL = re.compile(rf"(?=.{{1,64}}\Z){_ATEXT}(?:\.{_ATEXT})*\Z")
_BLANKS = " \t\u00a0"  # forgiven around an address; line breaks are not
_DOMAINS_KEPT = 50_000


@dataclass(frozen=True)
class Address:
    """An address that can be written to.

    ``email`` is as given; ``email_key`` is what tells two addresses apart: lower case, domain in A-labels;
    ``address_key`` its HMAC (32 bytes); ``domain`` the domain in A-labels.
    """

    email: str
    email_key: str
    address_key: bytes
    domain: str


def normalise(address: str) -> Address:
    """Check ``address`` and return it with its keys. Blanks around it are forgiven.

    Raises ``InvalidInput`` (field ``email``) whose text says what is wrong with it.
    """
    given = address.strip(_BLANKS)
    if not given:
        raise InvalidInput(_("The e-mail address is missing."), field="email")
    try:
        found = validate_email(given, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise InvalidInput(
            _(
                "%(address)s is not a valid e-mail address: %(reason)s",
                address=_shown(given),
                reason=_reason(given, error),
            ),
            field="email",
        ) from None
    key = f"{found.local_part.lower()}@{found.ascii_domain.lower()}"
    return Address(given, key, address_key(key), found.ascii_domain.lower())


def spellings(address: str) -> tuple[str, ...]:
    """Return the forms in which an address may stand elsewhere: its domain in A-labels and in letters."""
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:  # kept from a time when other addresses were taken
        return (address,)
    return (f"{found.local_part}@{found.ascii_domain}", f"{found.local_part}@{found.domain}")


def _reason(given: str, error: EmailNotValidError) -> str:
    """Say what is wrong in the reader's language; the validator's own words are English."""
    local, at, domain = given.rpartition("@")
    if not at:
        reason = _("it has no @.")
    elif "too long" in str(error):
        reason = _("it is longer than 254 characters, or than 64 before the @.")
    elif not local or not domain:
        reason = _("something is missing before or after the @.")
    elif "after the @" in str(error):
        reason = _("what stands after the @ is no domain that receives mail.")
    else:
        reason = _("what stands before the @ holds characters that are not allowed there.")
    return str(reason)


class Normaliser:
    """``normalise`` for many addresses: each distinct domain is checked once, each local part by one expression.

    What the expression does not know (international local parts) goes through the whole validation.
    """

    def __init__(self) -> None:
        self._domains: dict[str, str | None] = {}

    def __call__(self, address: str) -> Address:
        """Return the same as ``normalise``, and raise the same."""
        given = address.strip(_BLANKS)
        local, at, domain = given.rpartition("@")
        if not at or not _PLAIN_LOCAL.match(local) or len(given) > 254:
            return normalise(given)
        ascii_domain = self._domain(domain)
        if ascii_domain is None:
            return normalise(given)  # raises with the reason
        key = f"{local.lower()}@{ascii_domain}"
        if len(key) > 254:
            return normalise(given)
        return Address(given, key, address_key(key), ascii_domain)

    def reaches(self, domain: str) -> bool:
        """Return whether addresses in ``domain`` can receive mail, by its form."""
        return self._domain(domain) is not None

    def _domain(self, domain: str) -> str | None:
        """The A-labels of ``domain``, or None when it cannot receive mail."""
        if domain not in self._domains:
            if len(self._domains) >= _DOMAINS_KEPT:
                self._domains.clear()
            try:
                found: str | None = normalise(f"a@{domain}").domain
            except InvalidInput:
                found = None
            self._domains[domain] = found
        return self._domains[domain]


def _shown(text: str) -> str:
    """Return ``text`` short and without control characters, for a message."""
    clean = "".join(c if unicodedata.category(c)[0] != "C" else "�" for c in text[:80])
    return f"“{clean}{'…' if len(text) > 80 else ''}”"
