"""What refusals mean, whoever passes them on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.replies import Reason, ReturnClass, judge

HARD, SOFT, BLOCK, TRANSIENT = ReturnClass.HARD, ReturnClass.SOFT, ReturnClass.BLOCK, ReturnClass.TRANSIENT


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "cls", "reason"),
    [
        (550, "5.1.1", "550 5.1.1 <a@example.net>: Recipient address rejected: User unknown", HARD, "userunknown"),
        (550, "", "550 No such user here", HARD, "userunknown"),
        (550, "5.7.1", "550 5.7.1 Mailbox a@example.net does not exist", HARD, "userunknown"),
        (550, "5.4.1", "550 5.4.1 Recipient address rejected: Access denied", HARD, "userunknown"),
        (550, "", "550 Diese Adresse ist unbekannt", HARD, "userunknown"),
        (550, "", "550 L’adresse du destinataire n’existe pas", HARD, "userunknown"),
        (550, "", "550 No existe el usuario", HARD, "userunknown"),
        (550, "", "550 Пользователь не найден", HARD, "userunknown"),
        (None, "5.1.2", "Host or domain name not found. Name service error for name=example.test", HARD, "hostunknown"),
        (556, "5.1.10", "556 5.1.10 Recipient address has null MX", HARD, "notaccept"),
        (552, "5.2.2", "552 5.2.2 Over quota", SOFT, "mailboxfull"),
        (None, "", "La boîte aux lettres du destinataire est pleine", SOFT, "mailboxfull"),
        (552, "5.3.4", "552 5.3.4 Message size exceeds fixed limit", SOFT, "emailtoolarge"),
        (550, "5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", SOFT, "suspend"),
        (550, "5.1.1", "550 5.1.1 Your IP 192.0.2.7 is listed at zen.spamhaus.org", BLOCK, "blocked"),
        (554, "5.7.1", "554 5.7.1 Relay access denied", BLOCK, "norelaying"),
        (550, "5.7.1", "550 5.7.1 Message rejected as spam", BLOCK, "spamdetected"),
        (550, "5.7.26", "550 5.7.26 This mail is unauthenticated: SPF did not pass", BLOCK, "authfailure"),
        (550, "", "550 Sender address rejected: Domain not found", BLOCK, "rejected"),
        (550, "", "550 Reverse DNS required", BLOCK, "requireptr"),
        (421, "4.7.0", "421 4.7.0 Too many connections from your host", BLOCK, "ratelimited"),
        (451, "4.4.1", "451 4.4.1 Connection timed out", TRANSIENT, "networkerror"),
        (None, "4.4.7", "delivery time expired", TRANSIENT, "expired"),
        (452, "4.3.1", "452 4.3.1 Insufficient system storage", TRANSIENT, "systemfull"),
    ],
)  # fmt: skip
def test_wording_and_codes(code: int | None, enhanced: str, text: str, cls: ReturnClass, reason: str) -> None:
    found = judge(code, enhanced, text)
    assert (found.cls, found.reason) == (cls, reason)
    assert found.suppress is (cls is HARD)


def test_row_30_what_passes_never_suppresses_and_5_1_1_does() -> None:
    assert judge(450, "4.1.1", "450 4.1.1 User unknown, try again").suppress is False
    assert judge(None, "4.4.4", "Host not found").suppress is False
    assert judge(550, "5.1.1", "550 5.1.1 unknown").suppress is True
    for detail in range(31):
        found = judge(550, f"5.7.{detail}", "")
        assert (found.cls, found.suppress) == (BLOCK, False)


@pytest.mark.parametrize("text", ["550 5.7.515 Access denied, sending domain does not meet the required level", ""])
def test_row_35_bulk_without_authentication_is_the_senders_fault(text: str) -> None:
    found = judge(550, "5.7.515", text)
    assert (found.cls, found.suppress) == (BLOCK, False)
    assert judge(550, "5.7.515", "").reason is Reason.AUTH_FAILURE


def test_the_step_that_was_refused_counts() -> None:
    said = "550 no such user"
    assert judge(550, "", f"{said} (in reply to RCPT TO command)").reason is Reason.USER_UNKNOWN
    assert judge(550, "", f"{said} (in reply to MAIL FROM command)").reason is Reason.REJECTED
    assert judge(550, "", f"{said} (in reply to end of DATA command)").reason is Reason.FILTERED
    assert judge(550, "5.1.1", f"550 5.1.1 {said} (in reply to end of DATA command)").reason is Reason.USER_UNKNOWN


def test_a_refusal_in_unknown_words_kills_no_address() -> None:
    assert judge(550, "", "550").suppress is True
    assert judge(550, "", "550 Flumine verso non transit").suppress is False
    assert judge(None, "", "").suppress is None


@given(
    st.one_of(st.none(), st.integers(0, 999)), st.from_regex(r"([245]\.\d{1,3}\.\d{1,3})?", fullmatch=True), st.text()
)
def test_anything_is_judged(code: int | None, enhanced: str, text: str) -> None:
    found = judge(code, enhanced, text)
    assert found.suppress is not True or found.cls is HARD
    if enhanced.startswith("4") or 400 <= (code or 0) < 500:
        assert found.suppress is not True
