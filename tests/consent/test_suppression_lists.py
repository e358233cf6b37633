"""Lists of suppressed addresses: taken in whatever they hold, and given out by digest."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ClauseElement, Executable, Select, select, text
from sqlalchemy.ext.compiler import compiles

from app.core import clock as core_clock
from app.core import jobs
from app.core.db import unit_of_work
from app.core.errors import InvalidInput
from app.customers.queries.contacts import contact_table
from app.customers.services.contacts import change_address
from app.customers.services.importing import PermissionTerms
from consent.commands import consent
from consent.engine import lists as engine
from consent.policy.lists import ListReader, column_of
from consent.policy.standing import Actor
from consent.policy.terms import SuppressionTerms
from consent.queries import exchange
from consent.queries.gates import gates
from consent.queries.lists import ListInfo
from consent.services import lists
from consent.services.erase import erase
from consent.services.importing import record
from consent.services.objections import object_to_marketing
from consent.services.suppress import suppress_address
from consent.services.withdraw import withdraw
from tests.conftest import Clock
from tests.consent.conftest import Stage
from tests.factories import consent as make
from tests.factories.accounts import make_staff, sign_in

TERMS = SuppressionTerms("import", source="Former system", evidence="Export of 1 March")


def sha256(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


def md5(address: str) -> str:
    return hashlib.md5(address.encode()).hexdigest()


@pytest.fixture
def take_in(app: Flask, tmp_path: Path) -> Callable[..., ListInfo]:
    """Take in a list and return what became of it."""

    def take(content: bytes | str, terms: SuppressionTerms = TERMS) -> ListInfo:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with unit_of_work() as session:
            list_id = lists.create(session, path, "list.csv", terms, tmp_path)
        return engine.run(list_id)

    return take


class Explain(Executable, ClauseElement):
    """How PostgreSQL would run a statement."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explain)
def _explain(element: Explain, compiler: Any, **options: Any) -> str:
    return "EXPLAIN " + compiler.process(element.statement, **options)


def only(contact_id: int) -> Select[int]:
    table = contact_table()
    return select(table.c.id.label("contact_id")).where(table.c.id == contact_id)


def gate(contact_id: int, topic_id: int, brand_id: int) -> str | None:
    with unit_of_work() as session:
        found: str | None = session.execute(gates(topic_id, brand_id, core_clock.now(), only(contact_id))).one().gate
    return found


CASES = [
    "ada@example.net\n{other}\n",
    "email;reason\nADA@Example.net;left\n",
    "\ufeffname,E-Mail\nAda,ada@example.net\n",
    f"{sha256('ada@example.net')}\n",
    f"{sha256('ada@example.net').upper()}\r\n",
    f"hash,when\nsha256:{sha256('ada@example.net')},2026-01-01\n",
    f'"{md5("ada@example.net")}"\n',
    f"id\tmd5\n7\t{md5('ada@example.net')}\n",
]


@pytest.mark.parametrize("content", [case.replace("{other}", "bob@example.net") for case in CASES])
def test_whoever_is_in_the_base_is_suppressed_however_they_are_listed(
    take_in: Callable[..., ListInfo], stage: Stage, content: str
) -> None:
    with unit_of_work() as session:
        ada = make.permitted_contact(session, stage.news, "ada@example.net")
        eve = make.permitted_contact(session, stage.news, "eve@example.net")
    assert gate(ada, stage.news, stage.brand) is None
    done = take_in(content)
    assert (done.status, done.rejected) == ("done", 0) and done.added == done.rows
    assert gate(ada, stage.news, stage.brand) == "suppressed" and gate(eve, stage.news, stage.brand) is None
    again = take_in(content)
    assert (again.added, again.known) == (0, done.rows)


@pytest.mark.parametrize("digest", [sha256("ada@example.net"), md5("ada@example.net")])
@pytest.mark.parametrize("way", ["form", "import", "change of address"])
def test_a_digest_waits_for_whoever_comes_later(
    take_in: Callable[..., ListInfo], stage: Stage, digest: str, way: str
) -> None:
    take_in(f"{digest}\n{'0' * 64}\n")
    with unit_of_work() as session:
        if way == "import":
            session.execute(
                text(
                    "INSERT INTO contact (email, email_key, address_key) SELECT e, e, sha256(e::bytea)"
                    " FROM unnest(ARRAY['ada@example.net', 'eve@example.net']) e"
                )
            )
        elif way == "form":
            make.make_contact(session, "Ada@Example.net")
        else:
            change_address(session, make.make_contact(session, "other@example.net"), "ada@example.net")
        ada = session.scalar(text("SELECT id FROM contact WHERE email_key = 'ada@example.net'"))
        session.execute(text("CREATE TEMP TABLE brought (contact_id bigint) ON COMMIT DROP"))
        session.execute(text("INSERT INTO brought VALUES (:id)"), {"id": ada})
        terms = PermissionTerms(1, stage.news, "confirmed", "consent", "shop", "folder", core_clock.now(), "en")
        assert record(session, terms, "brought").refused == {"suppressed": 1}
        kinds = session.execute(text("SELECT kind, count(*) FROM suppression GROUP BY kind ORDER BY kind")).all()
        assert [tuple(row) for row in kinds] == [("address", 1), ("hash", 1)]


def test_scopes_and_ends_hold_for_lists(take_in: Callable[..., ListInfo], stage: Stage) -> None:
    with unit_of_work() as session:
        ada = make.permitted_contact(session, stage.news, "ada@example.net")
        make.grant(session, ada, stage.offers)
        elsewhere = make.make_topic(session)
        make.grant(session, ada, elsewhere)
        other = session.scalar(text("SELECT brand_id FROM topic WHERE id = :id"), {"id": elsewhere})
    take_in("ada@example.net", SuppressionTerms("import", "topic", topic_id=stage.news, source="x"))
    assert gate(ada, stage.news, stage.brand) == "suppressed" and gate(ada, stage.offers, stage.brand) is None
    until = core_clock.now() + timedelta(days=2)
    take_in("ada@example.net", SuppressionTerms("import", "brand", brand_id=stage.brand, until=until, source="x"))
    assert gate(ada, stage.offers, stage.brand) == "suppressed" and gate(ada, elsewhere, int(other or 0)) is None


def test_refused_lines_are_named_and_the_rest_is_taken(take_in: Callable[..., ListInfo]) -> None:
    done = take_in(f"email\nada@example.net\nnobody\n\nx@\n{'a' * 40}\nbob@example.net\n")
    assert (done.rows, done.added, done.rejected) == (5, 2, 3)
    with unit_of_work() as session:
        rows = session.execute(text("SELECT line, reason, text FROM suppression_reject ORDER BY line")).all()
    assert [(row.line, row.text) for row in rows] == [(3, "nobody"), (5, "x@"), (6, "a" * 40)]
    assert "SHA-1" in rows[2].reason and "no address" in rows[0].reason


@pytest.mark.parametrize("content", [b"", b"name\nAda\n", b"PK\x03\x04rest", b"\x00\x00\x00"])
def test_a_file_without_addresses_is_refused_whole(take_in: Callable[..., ListInfo], content: bytes) -> None:
    with pytest.raises(InvalidInput):
        take_in(content)
    with unit_of_work() as session:
        assert session.scalar(text("SELECT count(*) FROM suppression_list")) == 0


def test_a_list_that_was_killed_goes_on_where_it_was(
    take_in: Callable[..., ListInfo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BATCH", 3)
    content = "".join(f"p{number}@example.net\n" for number in range(8))

    def killed(found: ListInfo) -> None:
        raise SystemExit

    with pytest.raises(SystemExit), monkeypatch.context() as patch:
        original = engine._run
        patch.setattr(engine, "_run", lambda list_id, _progress: original(list_id, killed))
        take_in(content)
    with unit_of_work() as session:
        list_id, rows = session.execute(text("SELECT id, rows FROM suppression_list")).one()
    assert rows == 3
    done = engine.run(list_id)
    assert (done.status, done.rows, done.added, done.known) == ("done", 8, 8, 0)


def test_two_hundred_thousand_lines_leave_the_gates_flat(take_in: Callable[..., ListInfo], stage: Stage) -> None:
    with unit_of_work() as session:
        ada = make.permitted_contact(session, stage.news, "ada@example.net")
    lines = [sha256(f"p{number}@example.org") for number in range(100_000)]
    lines += [f"q{number}@example.org" for number in range(100_000)]
    done = take_in("\n".join([*lines, md5("ada@example.net")]))
    assert done.added == 200_001
    assert gate(ada, stage.news, stage.brand) == "suppressed"
    with unit_of_work() as session:
        session.execute(text("ANALYZE suppression"))
        plan = "\n".join(session.scalars(Explain(gates(stage.news, stage.brand, core_clock.now(), only(ada)))))
    assert "Seq Scan on suppression" not in plan and "ix_suppression_address_key" in plan


def test_what_is_given_out_holds_no_address_and_nothing_of_people_erased(
    take_in: Callable[..., ListInfo], stage: Stage
) -> None:
    with unit_of_work() as session:
        gone = make.permitted_contact(session, stage.news, "gone@example.net")
        suppress_address(session, email_key="gone@example.net", reason="hard_bounce")
        suppress_address(session, email_key="ada@example.net", reason="complaint")
        suppress_address(
            session, email_key="ben@example.net", reason="manual", scope="brand", brand_id=stage.brand, source="=cmd()"
        )
        erase(session, gone, actor=Actor.STAFF)
    take_in(f"gone@example.net\n{md5('md5only@example.net')}\n{sha256('eve@example.net')}\n")
    with unit_of_work() as session:
        given = "".join(exchange.csv_lines(exchange.SUPPRESSED, exchange.suppressed(session)))
        some = list(exchange.suppressed(session, ["complaint"]))
    rows = {row["sha256"]: row for row in csv.DictReader(io.StringIO(given))}
    assert set(rows) == {sha256("ada@example.net"), sha256("ben@example.net"), sha256("eve@example.net")}
    assert rows[sha256("ben@example.net")]["scope"] == "brand" and "@" not in given and "=cmd" not in given
    assert [row["reason"] for row in some] == ["complaint"]


def test_row_73_withdrawals_reach_those_whom_the_data_was_passed_to(stage: Stage) -> None:
    start = datetime.now(UTC) - timedelta(minutes=1)
    with unit_of_work() as session:
        ada = make.permitted_contact(session, stage.news, "ada@example.net")
        change_address(session, ada, "Ada@Example.org")
        ben = make.permitted_contact(session, stage.news, "ben@example.net")
        eve = make.permitted_contact(session, stage.news, "eve@example.net")
        gone = make.permitted_contact(session, stage.news, "gone@example.net")
        withdraw(session, ada, [stage.news], actor=Actor.SUBSCRIBER)
        withdraw(session, ben, [stage.news], actor=Actor.SUBSCRIBER)
        make.grant(session, ben, stage.news)  # thought better of it
        object_to_marketing(session, eve, actor=Actor.SUBSCRIBER)
        withdraw(session, gone, [stage.news], actor=Actor.SUBSCRIBER)
        erase(session, gone, actor=Actor.STAFF)
    with unit_of_work() as session:
        hashed = list(exchange.withdrawn(session, start))
        clear = list(exchange.withdrawn(session, start, clear=True))
        assert list(exchange.withdrawn(session, datetime.now(UTC) + timedelta(minutes=1))) == []
    assert {row["sha256"] for row in hashed} == {
        sha256("ada@example.net"), sha256("ada@example.org"), sha256("eve@example.net")
    }  # fmt: skip
    assert {row["email"] for row in hashed} == {""}
    assert [(row["email"], row["action"]) for row in clear] == [
        ("Ada@Example.org", "withdraw"), ("ada@example.net", "withdraw"), ("eve@example.net", "object")
    ]  # fmt: skip


def test_row_41_nothing_that_a_list_said_of_somebody_erased_is_left(
    take_in: Callable[..., ListInfo], stage: Stage
) -> None:
    with unit_of_work() as session:
        ada = make.permitted_contact(session, stage.news, "ada@example.net")
    take_in(f"{md5('ada@example.net')}\n{sha256('ada@example.net')}\nAda <ada@example.net>\nnobody\n")
    with unit_of_work() as session:
        change_address(session, ada, "ada@example.org")
    take_in(f"{sha256('ada@example.net')}\n", SuppressionTerms("complaint", source="Ada's letter"))
    with unit_of_work() as session:
        erase(session, ada, actor=Actor.STAFF)
    with unit_of_work() as session:
        kept = session.execute(text("SELECT * FROM suppression WHERE sha256 IS NOT NULL OR md5 IS NOT NULL")).all()
        assert kept == [] and session.scalars(text("SELECT text FROM suppression_reject")).all() == ["nobody"]
        assert session.scalar(text("SELECT count(*) FROM suppression WHERE reason = 'erasure'")) == 2


def test_refused_lines_are_forgotten_in_time(take_in: Callable[..., ListInfo], clock: Clock) -> None:
    take_in("ada@example.net\nnobody\n")
    for days, left in ((0, 1), (91, 0)):
        clock.forward(timedelta(days=days))
        jobs.run_periodic("consent.forget_lists")
        with unit_of_work() as session:
            assert session.scalar(text("SELECT count(*) FROM suppression_reject")) == left


def run(app: Flask, *words: str) -> Result:
    with app.app_context():
        return CliRunner().invoke(consent, words)


def test_the_commands_say_what_they_did(app: Flask, stage: Stage, tmp_path: Path) -> None:
    made = json.loads(run(app, "suppress", "ada@example.net", "--source", "phone", "--until", "2099-01-01").stdout)
    assert made["kind"] == "address" and made["scope"] == "all" and made["until"].startswith("2099-01-01")
    assert json.loads(run(app, "suppress", "example.org", "--source", "x").stdout)["kind"] == "domain"
    assert json.loads(run(app, "suppress", "info@*", "--source", "x").stdout)["kind"] == "pattern"
    assert json.loads(run(app, "lift", "ADA@example.net", "--why", "asked").stdout) == {"lifted": [made["suppression"]]}
    for words in (
        ["suppress", "nothing at all", "--source", "x"],
        ["suppress", "ada@example.net", "--source", "x", "--until", "2001-01-01"],
        ["suppress", "ada@example.net", "--source", "x", "--topic", "no-such"],
        ["lift", "ada@example.net", "--why", "again"],
        ["lift", "4711", "--why", "x"],
    ):
        assert run(app, *words).exit_code != 0, words
    path = tmp_path / "list.txt"
    path.write_text("bob@example.net\nnobody\n")
    said = json.loads(run(app, "suppressions", "import", str(path), "--source", "Former system").stdout)
    assert (said["rows"], said["added"], said["rejected"], said["rejects"][0]["line"]) == (2, 1, 1, 2)
    assert path.exists(), "a file named on the command line is its owner's"
    assert sha256("bob@example.net") in run(app, "suppressions", "export").stdout
    assert run(app, "withdrawals", "--since", "2026-01-01").stdout.startswith("at,action,brand,topic,sha256,email")
    assert run(app, "withdrawals", "--since", "soon").exit_code != 0


def test_a_list_is_taken_in_on_its_page(client: FlaskClient, stage: Stage, run_jobs: Callable[[], int]) -> None:
    make_staff()
    sign_in(client)
    page = client.get("/suppressions/lists").text
    assert "No list was taken in" in page
    data = {"file": (io.BytesIO(b"ada@example.net\n<script>x\n"), "old.csv"), "reason": "import", "scope": "all"}
    refused = client.post("/suppressions/lists", data={**data, "source": ""}, content_type="multipart/form-data")
    assert refused.status_code == 422
    data["file"] = (io.BytesIO(b"ada@example.net\n<script>x\n"), "old.csv")
    answer = client.post("/suppressions/lists", data={**data, "source": "Old"}, content_type="multipart/form-data")
    assert answer.status_code == 302
    assert "waiting for a worker" in client.get(answer.location).text
    run_jobs()
    page = client.get(answer.location).text
    assert "&lt;script&gt;x" in page and "hx-get" not in page
    assert client.get(f"{answer.location}/rejects.csv").text.startswith("line,reason,text\r\n2,")
    assert sha256("ada@example.net") in client.get("/suppressions/export.csv").text
    found = client.get("/suppressions?q=ada@example.net").text
    assert "imported list" in found and "Old" in found
    assert client.get("/suppressions/withdrawals.csv?since=2026-01-01").status_code == 200
    assert client.get("/suppressions/withdrawals.csv?since=soon").status_code == 422


def test_pure_reading() -> None:
    assert column_of([["1", "x", "a@example.com"], ["2", "y", md5("b")]]) == 2
    reader = ListReader()
    assert reader.read(f" SHA256:{sha256('a')} ").sha256 == hashlib.sha256(b"a").digest()
    assert reader.read(f"MD5:{md5('a')}").md5 == hashlib.md5(b"a").digest()
