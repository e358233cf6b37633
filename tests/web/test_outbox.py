from __future__ import annotations

from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient

from app.core.config import Settings
from app.factory import create_app
from app.mail import outbox
from tests.factories.accounts import make_staff, sign_in


@pytest.fixture
def reader(settings: Settings, db: object, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A signed-in marketer where mail goes to the local sink, which kept two mails."""
    folder = outbox.folder_of(settings.var)
    folder.mkdir(parents=True)
    (folder / "port").write_text("2525")
    for subject in ("Autumn", "Winter"):
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = subject, "shop@example.com", "ada@example.com"
        mail.set_content("Hello Ada")
        mail.add_alternative('<p style="color:red">Hello <a href="https://example.com">Ada</a></p>', subtype="html")
        outbox.store(folder, b"bounce@example.com", [b"ada@example.com"], mail.as_bytes())
    monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:2525")
    app = create_app(Settings.from_env())
    app.config["WTF_CSRF_ENABLED"] = False
    make_staff()
    client = app.test_client()
    sign_in(client)
    return client


def newest(settings: Settings) -> str:
    return outbox.list_mails(settings.var)[0].id


def test_the_outbox_lists_and_finds(reader: FlaskClient) -> None:
    page = reader.get("/outbox").get_data(as_text=True)
    assert page.index("Winter") < page.index("Autumn")
    found = reader.get("/outbox?q=autumn").get_data(as_text=True)
    assert "Autumn" in found
    assert "Winter" not in found


def test_a_mail_is_framed_in_a_sandbox_under_its_own_policy(reader: FlaskClient, settings: Settings) -> None:
    mail = newest(settings)
    page = reader.get(f"/outbox/{mail}").get_data(as_text=True)
    assert f'src="/outbox/{mail}/html" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    framed = reader.get(f"/outbox/{mail}/html")
    assert 'style="color:red"' in framed.get_data(as_text=True)
    policy = framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy


def test_text_and_source(reader: FlaskClient, settings: Settings) -> None:
    mail = newest(settings)
    assert "Hello Ada" in reader.get(f"/outbox/{mail}?show=text").get_data(as_text=True)
    assert "Subject: Winter" in reader.get(f"/outbox/{mail}?show=source").get_data(as_text=True)
    assert reader.get(f"/outbox/{mail}/source").mimetype == "message/rfc822"


def test_a_mail_that_is_gone(reader: FlaskClient) -> None:
    assert reader.get("/outbox/1-1").status_code == 404
    assert reader.get("/outbox/..%2Fsecrets").status_code == 404


def test_without_the_sink_there_is_no_outbox(client: FlaskClient) -> None:
    make_staff()
    sign_in(client)
    assert client.get("/outbox").status_code == 404
    assert "Outbox" not in client.get("/account").get_data(as_text=True)
