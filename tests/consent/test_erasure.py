"""Row 41: a person is put into every table, erased, and looked for in a dump of the whole database and in the files."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core import config
from app.core import db as core_db
from app.core.config import Settings
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.core.secrets import key_pair, open_sealed, seal_for
from app.customers.engine import importing
from app.customers.queries import imports
from app.customers.queries.contacts import by_address, contact
from app.customers.services.importing import barriers, batches, forgetting
from app.customers.services.importing.batches import Statement
from app.customers.services.importing.source import inspect
from app.local.engines.postgres import programs
from consent.commands.group import consent
from consent.policy.standing import Actor
from consent.queries import forms
from consent.queries.verify import verify
from consent.services.erase import erase
from consent.tasks import archive as archive_tasks
from tests.conftest import Clock
from tests.consent.conftest import Stage
from tests.factories.accounts import make_staff, sign_in
from tests.factories.everywhere import EMAIL, FORMER, KEY_FORM, TRACES, put_everywhere

# Tables with texts, none of which tells of a subscriber. Every other one must hold the person before the erasure: a
# new table is either emptied by it and filled in tests.factories.everywhere, or it is named here with the reason.
IMPERSONAL = {
    "access_entry": "what staff saw; people by number",
    "alembic_version": "the schema",
    "audit_entry": "what staff did; people by number",
    "brand": "the controller's",
    "campaign": "written by staff for many",
    "campaign_content": "written by staff for many",
    "campaign_link": "written by staff for many",
    "campaign_segment": "numbers",
    "claim": "names of hosts",
    "contact_profile": "numbers",
    "controller": "the controller's",
    "conversion": "numbers",
    "dkim_key": "keys",
    "duplicate": "numbers and why",
    "event": "numbers and kinds of device",
    "event_seal": "numbers and kinds",
    "field": "the dictionary",
    "form": "written by staff",
    "form_figure": "counts",
    "inbound_mail": "digests and outcomes",
    "lane": "mailbox providers",
    "ledger_anchor": "digests",
    "people_list": "names that staff gave, counts",
    "paper_list": "of many: place, day, counts, the digest of a scan",
    "permission": "states; the address by its key",
    "permission_day": "counts",
    "permission_event": "states and digests; the address by its key",
    "quality_figure": "counts and conditions on fields",
    "register_text": "the controller's",
    "relay": "the controller's",
    "repermission": "how a campaign asks again",
    "role_grant": "staff",
    "rollup": "counts",
    "sealed_proof": "encrypted for somebody else",
    "sender": "the controller's",
    "sending_domain": "the controller's",
    "sending_host": "names of hosts",
    "spool_position": "names of files",
    "staff": "staff",
    "suppression_list": "names of files, and what staff stated of all lines",
    "topic": "written by staff",
    "upkeep": "settings",
    "upkeep_run": "counts; errors by kind",
    "wording": "written by staff",
}
TEXTS = """
SELECT DISTINCT c.table_name::text FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE'
  AND c.data_type NOT IN ('bigint', 'integer', 'smallint', 'boolean', 'numeric', 'date', 'timestamp with time zone',
                          'double precision')
  AND NOT EXISTS (SELECT 1 FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid WHERE k.relname = c.table_name)
ORDER BY 1
"""


@pytest.fixture
def person(client: FlaskClient, stage: Stage) -> int:
    """Somebody who stands everywhere."""
    with unit_of_work() as session:
        return put_everywhere(session, stage.news, stage.brand, forms.by_slug(session, stage.form).id)


def traces(content: str) -> list[str]:
    lower = content.lower()
    return [trace for trace in TRACES if trace.lower() in lower]


def tables() -> dict[str, str]:
    """Every table that could hold a text, with what it holds."""
    with core_db.raw() as connection:
        found = {}
        for (name,) in connection.execute(TEXTS).fetchall():
            out = io.BytesIO()
            # A partitioned table is copied through a query.
            with connection.cursor().copy(f'COPY (SELECT * FROM "{name}") TO STDOUT') as copy:
                for piece in copy:
                    out.write(piece)
            found[name] = out.getvalue().decode()
        return found


def dump(settings: Settings) -> str:
    """The whole database as pg_dump writes it."""
    folder = programs()[max(programs())]
    command = [str(folder / "pg_dump"), "--no-owner", f"--dbname={settings.psycopg_url}"]
    environment = {**os.environ, "LD_LIBRARY_PATH": str(folder.parent / "lib")}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def files(var: Path) -> Iterator[tuple[str, str]]:
    for path in var.rglob("*"):
        if path.is_file() and path.suffix != ".eml":  # the local outbox keeps what was sent, for who tries Permesso
            yield str(path.relative_to(var)), path.read_bytes().decode("utf-8", "replace")


def test_row_41_every_table_that_could_hold_a_person_holds_this_one(person: int) -> None:
    found = tables()
    held = {name for name, content in found.items() if traces(content)}
    unknown = set(found) - held - set(IMPERSONAL)
    assert not unknown, f"these tables have texts: erase them and fill them in tests.factories.everywhere: {unknown}"
    assert not held & set(IMPERSONAL), "these tables do hold people"


def test_row_41_nothing_personal_is_left_after_erasure(person: int, settings: Settings) -> None:
    assert traces(dump(settings)) and any(traces(content) for _, content in files(settings.var))
    with unit_of_work() as session:
        erase(session, person, actor=Actor.SUBSCRIBER)
    left = {name: found for name, content in tables().items() if (found := traces(content))}
    assert left == {}
    assert traces(dump(settings)) == []
    assert [name for name, content in files(settings.var) if traces(content)] == []
    with unit_of_work() as session:
        assert verify(session).broken is None


@pytest.mark.parametrize("address", [EMAIL, FORMER, EMAIL.upper(), KEY_FORM])
def test_row_41_an_import_does_not_bring_them_back(person: int, stage: Stage, tmp_path: Path, address: str) -> None:
    with unit_of_work() as session:
        erase(session, person, actor=Actor.STAFF, actor_id=1)
    path = tmp_path / "again.csv"
    path.write_text(f"email,first_name\n{address},Zébulon\nother@example.com,Other\n")
    with unit_of_work() as session:
        batch = batches.create(session, inspect(path, tmp_path), "again.csv")
        statement = Statement(stage.news, "confirmed", "consent", "former tool", "archive")
        batches.prepare(session, batch, {"email": "email", "first_name": "first_name"}, statement)
    importing.run(batch)
    with unit_of_work() as session:
        done = imports.batch(session, batch)
        assert (done.added, done.rejected) == (1, 1)
        assert by_address(session, KEY_FORM) is None
        assert by_address(session, FORMER) is None
        assert contact(session, person).email is None
        assert verify(session).broken is None


def test_row_41_an_import_that_is_under_way_does_not_bring_them_back(
    person: int, stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are erased in the very moment between the question who must not come back and the adding of the others."""
    path = tmp_path / "again.csv"
    path.write_text(f"email,first_name\n{EMAIL},Zébulon\nother@example.com,Other\n")
    with unit_of_work() as session:
        batch = batches.create(session, inspect(path, tmp_path), "again.csv")
        statement = Statement(stage.news, "confirmed", "consent", "former tool", "archive")
        batches.prepare(session, batch, {"email": "email", "first_name": "first_name"}, statement)
    asked: list[str] = []

    def erase_now(_session: Session, people: str) -> set[bytes]:
        if not asked:
            with unit_of_work() as another:
                erase(another, person, actor=Actor.SUBSCRIBER)
        asked.append(people)
        return set()

    monkeypatch.setitem(barriers._entries, "test", erase_now)
    importing.run(batch)
    with unit_of_work() as session:
        done = imports.batch(session, batch)
        assert (done.added, done.rejected, done.updated) == (1, 1, 0)
        assert by_address(session, KEY_FORM) is None
        assert contact(session, person).erased_at is not None
        assert verify(session).broken is None
        left = session.execute(text("SELECT string_agg(c::text, ' ') FROM contact c")).scalar_one()
    assert traces(left) == []


def test_row_41_erasing_by_the_staff_page_leaves_nothing_either(
    client: FlaskClient, person: int, settings: Settings
) -> None:
    make_staff()
    sign_in(client)
    client.get(f"/contacts/{person}")
    client.get("/contacts?q=quork")
    assert client.post(f"/contacts/{person}/permissions/erase").status_code == 302
    assert traces(dump(settings)) == []


def test_a_running_imports_file_is_left_to_its_end(person: int) -> None:
    path = forgetting.folder() / "people.csv"
    with unit_of_work() as session:
        session.execute(text("UPDATE import_batch SET status = 'running'"))
        erase(session, person, actor=Actor.STAFF)
    assert path.exists()


# The sealed archive


@pytest.fixture
def archive(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the private key; its public one seals."""
    key = tmp_path / "archive.key"
    done = CliRunner().invoke(consent, ["archive", "key", str(key)])
    assert done.exit_code == 0 and key.stat().st_mode & 0o077 == 0
    public = done.stdout.split('"ARCHIVE_PUBLIC_KEY": "')[1].split('"')[0]
    monkeypatch.setattr(config, "_current", settings.model_copy(update={"archive_public_key": public}))
    return key


def test_row_41_where_chosen_the_proof_is_sealed_and_only_the_private_key_opens_it(
    person: int, archive: Path, settings: Settings, tmp_path: Path
) -> None:
    with unit_of_work() as session:
        erase(session, person, actor=Actor.SUBSCRIBER)
    assert traces(dump(settings)) == []
    taken = CliRunner().invoke(consent, ["archive", "take", EMAIL, str(tmp_path)])
    assert taken.exit_code == 0, taken.output
    sealed = tmp_path / "proof-1.sealed"
    assert traces(sealed.read_bytes().decode("latin-1")) == []
    opened = CliRunner().invoke(consent, ["archive", "open", str(sealed), "--key", str(archive)])
    assert EMAIL in opened.stdout and "203.0.113.77" in opened.stdout and '"events"' in opened.stdout
    stranger = tmp_path / "stranger.key"
    CliRunner().invoke(consent, ["archive", "key", str(stranger)])
    refused = CliRunner().invoke(consent, ["archive", "open", str(sealed), "--key", str(stranger)])
    assert isinstance(refused.exception, InvalidInput) and not refused.stdout


def test_row_41_sealed_proofs_go_after_the_limitation_period(person: int, archive: Path, clock: Clock) -> None:
    with unit_of_work() as session:
        erase(session, person, actor=Actor.SUBSCRIBER)

    def kept() -> int:
        archive_tasks.purge.function()
        with unit_of_work() as session:
            return session.scalar(text("SELECT count(*) FROM sealed_proof")) or 0

    clock.forward(timedelta(days=5 * 365))
    assert kept() == 2  # of both numbers
    clock.forward(timedelta(days=3))
    assert kept() == 0


def test_without_a_key_nothing_is_sealed(person: int) -> None:
    with unit_of_work() as session:
        erase(session, person, actor=Actor.SUBSCRIBER)
        assert session.scalar(text("SELECT count(*) FROM sealed_proof")) == 0


def test_a_changed_seal_is_refused() -> None:
    private, public = key_pair()
    sealed = seal_for(public, b"proof")
    assert open_sealed(private, sealed) == b"proof" and seal_for(public, b"proof") != sealed
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(InvalidInput):
            open_sealed(private, bytes(changed))
    for text_ in ("", "x", public[:-4]):
        with pytest.raises(InvalidInput):
            seal_for(text_, b"proof")
