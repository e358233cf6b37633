"""Every way in writes the ledger: who acted, what they said, and what proves it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import config, tokens
from app.core.db import unit_of_work
from app.core.secrets import address_key
from app.customers.queries.contacts import by_address, contact
from app.customers.services.importing import PermissionTerms
from campaigns.models import Campaign, Repermission
from campaigns.policy import CampaignKind, Waves
from campaigns.services import silence
from consent.commands import consent
from consent.queries import forms, permissions
from consent.queries.permissions import LedgerEntry
from consent.queries.verify import verify
from consent.services import access
from consent.services.ageing import expiry
from consent.services.importing import record
from consent.services.objections import complain
from tests.conftest import Clock
from tests.consent.conftest import CAMPAIGN, Mailbox, Stage
from tests.factories import consent as make
from tests.factories import inbound
from tests.factories.accounts import make_staff, sign_in
from tests.factories.tracking import add_message
from tracking.engine.inbound import fetch

ADA = "ada@example.com"


@dataclass(frozen=True)
class World:
    """What the ways lead through."""

    stage: Stage
    client: FlaskClient
    sign_up: Callable[..., TestResponse]
    mailbox: Mailbox
    run_jobs: Callable[[], int]
    clock: Clock

    def staff(self) -> FlaskClient:
        """Return a browser of an administrator."""
        make_staff()
        client = self.client.application.test_client()
        sign_in(client)
        return client

    def footer(self) -> str:
        """Return the permission token of a mail to Ada."""
        with unit_of_work() as session:
            return self.stage.permission_token(ada(session))


@pytest.fixture
def world(
    stage: Stage,
    client: FlaskClient,
    sign_up: Callable[..., TestResponse],
    mailbox: Mailbox,
    run_jobs: Callable[[], int],
    clock: Clock,
) -> World:
    """Somebody, Ada, permits news until next year."""
    with unit_of_work() as session:
        one = make.make_contact(session, ADA)
        make.grant(session, one, stage.news, expires_at=make.clock.now() + timedelta(days=365))
        make.track(session, one, stage.brand)
    return World(stage, client, sign_up, mailbox, run_jobs, clock)


def ada(session: object) -> int:
    found = by_address(session, ADA)  # type: ignore[arg-type]
    assert found is not None
    return found.id


def form(world: World) -> None:
    assert world.sign_up(ADA, topic=[world.stage.offers]).status_code < 400
    world.run_jobs()


def confirmation(world: World) -> None:
    form(world)
    assert world.client.post(world.mailbox.confirm_path()).status_code < 400


def import_(world: World) -> None:
    terms = PermissionTerms(7, world.stage.offers, "opt_in", "consent", "Fair", "folder 7", make.clock.now(), "en")
    with unit_of_work() as session:
        session.execute(text("CREATE TEMP TABLE arriving (contact_id bigint, address_key bytea) ON COMMIT DROP"))
        one = ada(session)
        key = contact(session, one).address_key
        session.execute(text("INSERT INTO arriving VALUES (:id, :key)"), {"id": one, "key": key})
        assert record(session, terms, "arriving").permitted == 1


def staff_on_the_command_line(world: World) -> None:
    given = ("record", ADA, "--topic", "offers", "--level", "opt_in", "--basis", "consent", "--source", "Phone")
    result = CliRunner().invoke(consent, given, catch_exceptions=False)
    assert result.exit_code == 0, result.output


def staff_on_the_contact_page(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
    assert (
        world.staff().post(f"/contacts/{one}/permissions/withdraw", data={"topic": world.stage.news}).status_code == 302
    )


def staff_note_an_objection(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
    assert world.staff().post(f"/contacts/{one}/permissions/object").status_code == 302


def preference_page(world: World) -> None:
    given = {"shown_on": [world.stage.news], "shown_off": [world.stage.offers], "topic": [world.stage.news]}
    given |= {"shown_tracking": "yes", "tracking": "no", "act": "save"}
    assert world.client.post(f"/preferences/{world.footer()}", data=given).status_code == 303


def objection_on_the_preference_page(world: World) -> None:
    assert world.client.post(f"/preferences/{world.footer()}", data={"act": "object"}).status_code == 303


def one_click(world: World) -> None:
    path = f"/unsubscribe/{world.footer()}"
    assert world.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200


def complaint(world: World) -> None:
    with unit_of_work() as session:
        complain(session, ada(session), campaign_id=CAMPAIGN)


def expiring(world: World) -> None:
    world.clock.forward(timedelta(days=366))
    with unit_of_work() as session:
        expiry.expire(session, [ada(session)])


def correction_of_the_address(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
    answer = world.staff().post(f"/contacts/{one}/address", data={"email": "ada@example.org"})
    assert answer.status_code == 302


def pausing(world: World) -> None:
    assert world.client.post(f"/preferences/{world.footer()}", data={"act": "pause", "for": "1"}).status_code == 303


def the_end_of_a_pause(world: World) -> None:
    pausing(world)
    assert world.client.post(f"/preferences/{world.footer()}", data={"act": "resume"}).status_code == 303


def staff_pause(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
    day = make.clock.now().date() + timedelta(days=30)
    answer = world.staff().post(f"/contacts/{one}/permissions/pause", data={"brand": world.stage.brand, "until": day})
    assert answer.status_code == 302


def came_in(raw: bytes) -> None:
    maildir = Path(config.current().inbound_maildir)
    (maildir / "new").mkdir(parents=True)
    inbound.deliver(maildir, raw)
    fetch(maildir)
    assert inbound.outcomes() == ["unsubscribed"]


def mail_to_the_address_in_the_header(world: World) -> None:
    came_in(inbound.answer(tokens.unsubscribe_mailbox(world.footer(), "bounces.example.com"), sender=ADA))


def reply(world: World) -> None:
    with unit_of_work() as session:
        token = tokens.sign_return_path(CAMPAIGN, ada(session))
    came_in(inbound.answer(f"{token}@bounces.example.com", "stop", sender=ADA))


def paper(world: World) -> None:
    with unit_of_work() as session:
        form_id = forms.by_slug(session, world.stage.form).id
    given = {"topic_ids": [world.stage.offers], "signed_on": "2026-01-02", "place": "Fair", "language": "en"}
    given |= {"words": "Yes, write to me.", "people": ADA, "scan": (io.BytesIO(b"%PDF-1.7\n%%EOF\n"), "list.pdf")}
    assert world.staff().post(f"/forms/paper/new/{form_id}", data=given).status_code == 302


def ones_own_change_of_address(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
        door = f"/access/{access.token_for(one, contact(session, one).address_key or b'', world.stage.brand)}"
    assert world.client.post(f"{door}/address", data={"email": "ada@example.org"}).status_code == 200
    world.run_jobs()
    part = world.mailbox.mails[-1].get_body(("plain",))
    found = re.search(r"https?://[^/\s]+(/address/[\w.-]+)", part.get_content() if part else "")
    assert found is not None and world.client.post(found[1]).status_code == 200


def asked_again(world: World) -> int:
    """Let Ada have got a mail that asks whether she still wants it; return the campaign's id."""
    stage = world.stage
    with unit_of_work() as session:
        sender = session.scalar(text("SELECT id FROM sender"))
        campaign = Campaign(brand_id=stage.brand, topic_id=stage.news, sender_id=sender, name="Still there?")
        campaign.kind, campaign.status = CampaignKind.REPERMISSION, "finished"
        session.add(campaign)
        session.flush()
        session.add(Repermission(campaign_id=campaign.id, **asdict(Waves())))
        session.execute(text("SELECT ensure_message_partition(:id)"), {"id": campaign.id})
        add_message(session, campaign.id, ada(session), sent_at=make.clock.now(), address_key=address_key(ADA))
        return campaign.id


def the_button_of_a_question(world: World) -> None:
    with unit_of_work() as session:
        one = ada(session)
    token = tokens.sign_message(tokens.Purpose.STAY, asked_again(world), one)
    assert world.client.post(f"/stay/{token}").status_code == 200


def no_answer_to_a_question(world: World) -> None:
    asked_again(world)
    world.clock.forward(timedelta(days=40))
    with unit_of_work() as session:
        silence.expire(session, [ada(session)])


def erasure(world: World) -> None:
    result = CliRunner().invoke(consent, ["erase", ADA, "--yes"], catch_exceptions=False)
    assert result.exit_code == 0, result.output


# way, (subject, action, actor), what its evidence or entry must name
WAYS: tuple[tuple[Callable[[World], None], tuple[str, str, str], tuple[str, ...]], ...] = (
    (form, ("topic", "request", "subscriber"), ("email", "ip", "user_agent", "page")),
    (confirmation, ("topic", "confirm", "subscriber"), ("email", "ip", "user_agent", "page")),
    (import_, ("topic", "grant", "import"), ("email", "source", "evidence")),
    (staff_on_the_command_line, ("topic", "grant", "staff"), ("email", "source")),
    (staff_on_the_contact_page, ("topic", "withdraw", "staff"), ()),
    (staff_note_an_objection, ("marketing", "object", "staff"), ()),
    (preference_page, ("tracking", "withdraw", "subscriber"), ("ip", "user_agent")),
    (objection_on_the_preference_page, ("marketing", "object", "subscriber"), ("ip", "user_agent")),
    (one_click, ("topic", "withdraw", "subscriber"), ("ip", "user_agent")),
    (complaint, ("marketing", "complain", "system"), ()),
    (expiring, ("topic", "expire", "system"), ()),
    (correction_of_the_address, ("contact", "correct", "staff"), ("former_key", "new_key", "former_email", "email")),
    (pausing, ("brand", "pause", "subscriber"), ("ip", "user_agent")),
    (the_end_of_a_pause, ("brand", "resume", "subscriber"), ("ip", "user_agent")),
    (staff_pause, ("brand", "pause", "staff"), ()),
    (mail_to_the_address_in_the_header, ("topic", "withdraw", "subscriber"), ("method", "email")),
    (reply, ("topic", "withdraw", "subscriber"), ("method", "email")),
    (paper, ("topic", "grant", "staff"), ("email", "source", "paper_list", "paper_scan_sha256", "paper_signed_on")),
    (ones_own_change_of_address, ("contact", "correct", "subscriber"), ("former_key", "new_key", "former_email")),
    (ones_own_change_of_address, ("topic", "confirm", "subscriber"), ("method", "email", "ip", "user_agent")),
    (the_button_of_a_question, ("topic", "confirm", "subscriber"), ("email", "wording", "ip", "user_agent")),
    (no_answer_to_a_question, ("topic", "silence", "system"), ()),
    (erasure, ("contact", "erase", "staff"), ()),
)


@pytest.mark.parametrize(("way", "said", "proven"), WAYS, ids=[way[0].__name__ for way in WAYS])
def test_every_way_in_writes_the_ledger(
    world: World, way: Callable[[World], None], said: tuple[str, str, str], proven: tuple[str, ...]
) -> None:
    with unit_of_work() as session:
        one = ada(session)
        before = len(permissions.entries(session, one))
    way(world)
    with unit_of_work() as session:
        entries = permissions.entries(session, one)[before:]
        assert verify(session).broken is None
    written = {(entry.act.subject.value, entry.act.action.value, entry.act.actor.value): entry for entry in entries}
    assert said in written
    entry = written[said]
    assert all(entry.evidence.get(name) for name in proven), entry.evidence
    assert_named(way, entry)


def assert_named(way: Callable[[World], None], entry: LedgerEntry) -> None:
    """What the entry itself must say, so that it outlives its evidence."""
    if way in (form, confirmation):
        assert entry.form_id and entry.wording and entry.wording_version == 1 and entry.language == "en"
    if way is import_:
        assert entry.batch_id == 7
    if way in (staff_on_the_contact_page, staff_note_an_objection, correction_of_the_address, staff_pause, paper):
        assert entry.actor_id
    if way is paper:
        assert entry.wording == "Yes, write to me." and entry.form_id and f"{entry.act.at:%F}" == "2026-01-02"
    if way in (mail_to_the_address_in_the_header, reply):
        assert entry.evidence["method"] == ("reply" if way is reply else "mailto")
    if way in (the_button_of_a_question, no_answer_to_a_question):
        assert entry.campaign_id
    if way in (pausing, staff_pause):
        assert entry.act.expires_at is not None
    by_mail = (mail_to_the_address_in_the_header, reply, pausing, the_end_of_a_pause)
    if way in (one_click, complaint, preference_page, objection_on_the_preference_page, *by_mail):
        assert entry.campaign_id == CAMPAIGN
    if way is correction_of_the_address:
        keys = address_key("ada@example.com").hex(), address_key("ada@example.org").hex()
        assert (entry.evidence["former_key"], entry.evidence["new_key"]) == keys
        assert entry.act.address_key is not None and entry.act.address_key.hex() == keys[1]
