"""System mails, the mail commands, provider groups and throttling."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis
from click.testing import CliRunner

from app.mail import dkim
from app.mail.commands import mail
from app.mail.compose import SystemMail, SystemSender, compose
from app.mail.errors import DesignError
from app.mail.merge import Value
from app.mail.providers import GROUPS, group_of
from app.mail.replies import BounceClass, classify
from app.mail.throttle import Bucket

SENDER = SystemSender("hello@brand.example", "Café Brand", "brand.example", "Café Brand", "1 rue X, 75000 Paris")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
VALUES: dict[SystemMail, dict[str, Value]] = {
    "confirm": {"confirm_url": "https://t.example/confirm/abc", "topics": ("News <b>", "Offers"), "expires": "3 May"},
    "access_link": {"link_url": "https://t.example/link/abc", "minutes": 30},
    "request_due": {"request_number": "12", "expires": "3 May", "link_url": "https://t.example/requests/12"},
    "address_confirm": {"confirm_url": "https://t.example/address/abc", "former_address": "a•••@e•••.example"},
    "address_changed": {"new_address": "a•••@e•••.example", "contact_email": "privacy@brand.example"},
    "erased": {"contact_email": "privacy@brand.example"},
    "campaign_finished": {
        "campaign_name": "Spring", "report_url": "https://t.example/r",
        "sent": 3, "failed": 1, "skipped": 2, "unknown": 0,
    },
}  # fmt: skip


def composed(name: SystemMail, language: str = "en", **more: Value) -> EmailMessage:
    mail_ = compose(
        name,
        language,
        sender=SENDER,
        to_address="ann@example.com",
        values={**VALUES[name], **more},
        message_id="m",
        now=NOW,
    )
    message = message_from_bytes(mail_.data, policy=policy.default)
    assert str(message["Subject"]) == mail_.subject
    return message


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", list(VALUES))
def test_every_system_mail_is_automatic_untracked_and_complete(name: SystemMail, language: str) -> None:
    """STANDARDS 21, 24, 52."""
    message = composed(name, language)
    assert message["Auto-Submitted"] == "auto-generated"
    assert "List-Unsubscribe" not in message
    for kind in ("plain", "html"):
        part = message.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "1 rue X, 75000 Paris" in text
        assert "{{" not in text and "{%" not in text
        assert "https://t.example/" in text or name in ("address_changed", "erased")
        assert "<img" not in text and "/c/" not in text


def test_the_confirmation_names_the_topics_and_nothing_else() -> None:
    html, text = (composed("confirm", "fr").get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
    assert "<li>News &lt;b&gt;</li>" in html
    assert "- News <b>\n- Offers\n" in text.replace("\r\n", "\n")
    assert html.count("<a ") == 1


def test_an_unknown_language_is_english_and_a_missing_value_is_an_error() -> None:
    assert composed("confirm", "de-AT")["Subject"] == composed("confirm")["Subject"]
    with pytest.raises(ValueError, match="confirm_url"):
        compose("confirm", "en", sender=SENDER, to_address="a@example.com", values={}, message_id="m", now=NOW)


def test_system_mails_are_signed() -> None:
    key = dkim.generate_key()
    mail_ = compose(
        "access_link", "en", sender=SENDER, to_address="ann@example.com", to_name="Ann", values=VALUES["access_link"],
        message_id="m", now=NOW, signer=dkim.Signer(key.private_pem, "brand.example", "s1"),
    )  # fmt: skip
    assert dkim.verify(mail_.data, key.dns_txt)


DESIGN = """<mjml><mj-body><mj-section><mj-column>
<mj-text>Hello {{ contact.first_name | default: "you" }},
<a href="https://shop.example/?c={{ contact.code }}">shop</a></mj-text>
</mj-column></mj-section></mj-body></mjml>"""


def test_mail_compile(tmp_path: Path) -> None:
    file, data = tmp_path / "d.mjml", tmp_path / "d.json"
    file.write_text(DESIGN)
    data.write_text(json.dumps({"contact": {"first_name": "Ann <3"}, "contact.code": "a&b"}))
    plain = json.loads(CliRunner().invoke(mail, ["compile", str(file)]).stdout)
    assert set(plain) == {"html", "text", "links", "warnings"}
    assert '{{ contact.first_name | default: "you" }}' in plain["html"]
    assert plain["links"] == [{"number": 0, "url": "https://shop.example/?c={{ contact.code }}", "label": "shop"}]
    filled = json.loads(CliRunner().invoke(mail, ["compile", str(file), "--data", str(data)]).stdout)
    assert "Hello Ann &lt;3" in filled["html"] and "https://shop.example/?c=a%26b" in filled["html"]
    assert filled["text"].startswith("Hello Ann <3, shop (https://shop.example/?c=a%26b)")
    file.write_text("<mjml><mj-body><mj-sextion /></mj-body></mjml>")
    assert isinstance(CliRunner().invoke(mail, ["compile", str(file)]).exception, DesignError)
    assert CliRunner().invoke(mail, ["compile", "nowhere.mjml"]).exit_code == 2


def test_provider_groups() -> None:
    assert [group_of(d) for d in ("gmail.com", "Hotmail.FR", "wanadoo.fr", "icloud.com", "web.de", "example.com")] == [
        "gmail", "microsoft", "orange", "apple", "gmx", "other",
    ]  # fmt: skip
    assert GROUPS[-1] == "other"


@pytest.mark.parametrize(
    ("code", "text", "bounce"),
    [
        (250, "ok", None),
        (550, "5.1.1 user unknown", BounceClass.HARD),
        (
            550,
            "5.7.515 Access denied, sending domain does not meet the required authentication level",
            BounceClass.BLOCK,
        ),
        (451, "4.7.1 greylisted", BounceClass.BLOCK),
        (421, "4.3.2 busy", BounceClass.SOFT),
        (452, "4.2.2 mailbox full", BounceClass.SOFT),
        (552, "5.2.2 over quota", BounceClass.SOFT),
        (550, "no such user here", BounceClass.HARD),
        (550, "rejected: listed by spamhaus", BounceClass.BLOCK),
        (554, "transaction failed", BounceClass.SOFT),
        (450, "4.1.1 user unknown, try again", BounceClass.SOFT),
    ],
)
def test_classes_of_replies(code: int, text: str, bounce: BounceClass | None) -> None:
    """STANDARDS 30, 35: 4.x.x is never hard; 5.1.1 is; 5.7.x is a block."""
    enhanced = text.split()[0] if text[1:2] == "." else ""
    assert classify(code, enhanced, text) is bounce


def test_a_bucket_is_shared_and_refills(valkey: redis.Redis) -> None:
    one, other = (Bucket(valkey, "lane", rate=20, burst=10) for _ in range(2))
    assert one.take(4) == 4
    assert other.take(100) == 6
    assert one.take(1) == 0
    one.give_back(3)
    assert other.take(5) == 3
    time.sleep(0.2)
    assert 3 <= one.take(100) <= 6
    assert Bucket(valkey, "another", rate=1, burst=1).take(5) == 1
    with pytest.raises(ValueError, match="rate"):
        Bucket(valkey, "x", rate=0, burst=1)
