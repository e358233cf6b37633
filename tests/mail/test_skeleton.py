"""A filled skeleton is the message that a plain render through the standard library would be."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from decimal import Decimal
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.mail import merge, mime
from app.mail.content import Design, DesignError, compile_design
from app.mail.errors import AddressRefused
from app.mail.merge import Escape, Value, Values
from app.mail.skeleton import Engagement, Frame, Skeleton, build_skeleton

INNER = """
<mj-text><h1>Hello {{ contact.first_name | default: "A & B" | capitalize }}</h1>
.dot at the line's start
From here, {{ contact.city }}{{ contact.code }} {{ contact.first_name | append: "!" | upcase }} ünï
{%- if contact.orders > 3 -%} many: {{ contact.orders }} {%- else %} few {% endif %}</mj-text>
<mj-table><tr><th>Tag</th></tr>{% for tag in contact.tags %}<tr><td>{{ tag }}</td></tr>{% endfor %}</mj-table>
<mj-image src="https://x.example/a.png" alt="{{ contact.city | default: "you" }}" href="https://x.example/?who={{ contact.code }}&amp;b=2" />
{% unless contact.vip %}<mj-button href="https://shop.example/">Buy {{ contact.city | truncate: 20 }}</mj-button>{% endunless %}
<mj-text>{{ contact.born | date: "%d/%m/%Y" }} {{ contact.spent }} {{ why }}
<a href="{{ unsubscribe_url }}">leave</a> {{ postal_address }} {{ contact.first_name | replace: "a", "<b>" | slice: 0, 9 }}</mj-text>
"""  # noqa: E501
MJML = f"<mjml><mj-body><mj-section><mj-column>{INNER}</mj-column></mj-section></mj-body></mjml>"
SUBJECT = "{{ contact.first_name | default: 'You' }}, {{ brand.name }} é {% if contact.vip %}VIP{% endif %}"
CONSTANTS: Values = {"brand.name": "Café & Co", "postal_address": "1 rue X\n75000 Paris"}
FRAME = Frame(
    "news@brand.example", "Café, & Co", SUBJECT, "brand.example", reply_to="hi@brand.example",
    list_id="news.brand.example", list_name="The news", feedback_id="1:2:3:brand",
)  # fmt: skip
ASSIGNING = MJML.replace("<mj-table>", "<mj-text>{% assign n = contact.city | size %}{{ n }}</mj-text><mj-table>")

CITIES = ["", "Lyon", "St. John's", ".dots", "From here", "=3D", "x" * 200, "\u202e\U0001f600" * 40]
anything = st.text(st.characters(codec="utf-8"), max_size=120)
people: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {
        "to_name": anything,
        "contact.first_name": st.one_of(st.none(), anything),
        "contact.city": st.sampled_from(CITIES),
        "contact.code": anything,
    },
    optional={
        "contact.orders": st.one_of(st.none(), st.integers(-5, 10)),
        "contact.vip": st.booleans(),
        "contact.tags": st.lists(anything, max_size=3).map(tuple),
        "contact.born": st.one_of(st.dates(date(1900, 1, 1)), st.just("2001-02-03")),
        "contact.spent": st.decimals(0, 10_000, places=2),
        "why": anything,
    },
)  # fmt: skip


def person(values: Values) -> dict[str, Value]:
    return {
        "to_address": "ann@example.com",
        "message_id": "m1",
        "date": mime.date_header(datetime(2026, 1, 2, tzinfo=UTC)),
        "engagement_token": "t" * 43,
        "unsubscribe_url": "https://t.example/unsubscribe/abc?x=1&y=2",
        **values,
    }


def plainly(design: Design, engagement: Engagement | None, values: Values) -> EmailMessage:
    """Render the usual way: whole templates by Liquid, the message by the standard library."""
    token = (engagement.token or "{{ engagement_token }}") if engagement else ""

    def link(number: int, url: str) -> str:
        if engagement is None:
            return url.replace("{{ contact.code }}", "{{ contact.code | url_encode }}")
        values_ = "?v={{ contact.code | url_encode }}" if "{{" in url else ""
        return f"{engagement.base_url}/c/{token}/{number}{values_}"

    page, text = design.with_links(
        lambda found: link(found.number, found.url).replace("&b", "&amp;b"), lambda found: link(found.number, found.url)
    )
    if engagement and engagement.token is None:
        pixel = f'<img src="{engagement.base_url}/o/{token}.gif" width="1" height="1" alt="" '
        page = page.replace("</body>", pixel + 'style="display:block;width:1px;height:1px;border:0">\n</body>')
    everything = {**values, **CONSTANTS}
    message = EmailMessage(policy=policy.default)
    message.set_content(merge.render(text, everything, Escape.TEXT))
    message.add_alternative(merge.render(page, everything, Escape.HTML), subtype="html")
    message["Subject"] = mime.one_line(merge.render(SUBJECT, everything, Escape.TEXT))[:500]
    return message


def content(part: EmailMessage) -> str:
    return part.get_content().replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def check_wire(wire: bytes) -> None:
    """STANDARDS 14, 15: CRLF only, no line starts with a dot, none is long."""
    assert b"\r" not in wire.replace(b"\r\n", b"") and b"\n" not in wire.replace(b"\r\n", b"")
    for line in wire.split(b"\r\n"):
        assert len(line) <= 78 and not line.startswith(b"."), line


DESIGNS = {"slots": compile_design(MJML), "assign": compile_design(ASSIGNING)}


@pytest.mark.parametrize("which", ["slots", "assign"])
@pytest.mark.parametrize(
    "engagement", [None, Engagement("https://t.example"), Engagement("https://t.example", "campaignwide")]
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=people)
def test_as_a_plain_render(which: str, engagement: Engagement | None, values: Values) -> None:
    design = DESIGNS[which]
    skeleton = Skeleton.from_bytes(_skeleton(which, engagement).to_bytes())
    values = person(values)
    wire = skeleton.render(values).message()
    check_wire(wire)
    ours = message_from_bytes(wire, policy=policy.default)
    plain = plainly(design, engagement, values)
    assert [p.get_content_type() for p in ours.walk()] == [p.get_content_type() for p in plain.walk()]
    for kind in ("plain", "html"):
        our_part, plain_part = ours.get_body((kind,)), plain.get_body((kind,))
        assert our_part is not None and plain_part is not None
        assert content(our_part) == content(plain_part)
    assert str(ours["Subject"]).split() == str(plain["Subject"]).split()
    assert ours.defects == []


_SKELETONS: dict[tuple[str, Engagement | None], Skeleton] = {}


def _skeleton(which: str, engagement: Engagement | None) -> Skeleton:
    key = which, engagement
    if key not in _SKELETONS:
        _SKELETONS[key] = build_skeleton(DESIGNS[which], FRAME, engagement, constants=CONSTANTS)
    return _SKELETONS[key]


NAMES = [
    "Ann", "O'Neil, Ann", 'Ann "X" Lee', "\u202eنور", "李小龙" * 30, "\U0001f469\u200d\U0001f4bb Ada", "a" * 10_000,
    "", "x\r\nBcc: evil@example.com", "x\0y", "=?utf-8?q?fake?=", "Ünï cödé" * 12, "back\\slash", "  spaced  out  ",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_and_subjects_of_all_kinds_stay_in_their_header(name: str) -> None:
    """STANDARDS 14, 16, 17."""
    skeleton = build_skeleton(DESIGNS["slots"], FRAME, None, constants=CONSTANTS)
    headers = skeleton.render(person({"to_name": name, "contact.first_name": name})).headers
    check_wire(headers)
    for line in headers.split(b"\r\n"):
        assert all(len(word) <= 75 for word in line.split(b" ") if word.startswith(b"=?"))
    message = message_from_bytes(headers, policy=policy.default)
    assert sorted(message.keys()) == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Reply-To", "List-Id",
         "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"]
    )  # fmt: skip
    (to,) = message["To"].addresses
    assert to.addr_spec == "ann@example.com"
    # The library's own address parser keeps the space between two encoded words, which RFC 2047 §6.2 drops.
    raw = message_from_bytes(headers)["To"].rpartition("ann@example.com")[0].rstrip(" <\r\n")
    shown = str(make_header(decode_header(raw)))
    shown = shown[1:-1].replace("\\\\", "\\").replace('\\"', '"') if shown.startswith('"') else shown
    assert shown.split() == mime.one_line(name)[:128].split()
    assert message["Subject"].startswith(mime.one_line(name)[:400].split("  ")[0].strip())


def test_bulk_headers() -> None:
    """STANDARDS 1, 7, 20, 21, 25."""
    first, second = (
        message_from_bytes(_skeleton("slots", None).render(person(v)).message(), policy=policy.default)
        for v in ({"message_id": "m1"}, {"message_id": "m2", "to_address": "bob@example.com"})
    )
    assert first["List-Unsubscribe"] == "<https://t.example/unsubscribe/abc?x=1&y=2>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["List-Id"] == "The news <news.brand.example>"
    assert first["Feedback-ID"] == second["Feedback-ID"] == "1:2:3:brand"
    assert (first["Message-ID"], second["Message-ID"]) == ("<m1@brand.example>", "<m2@brand.example>")
    assert first.get_content_type() == "multipart/alternative"
    assert "Precedence" not in first and "Auto-Submitted" not in first


def test_the_same_values_give_the_same_bytes() -> None:
    """A retry must be the same message (STANDARDS 20)."""
    values = person({"contact.first_name": "Ann"})
    again = build_skeleton(compile_design(MJML), FRAME, None, constants=CONSTANTS)
    assert _skeleton("slots", None).render(values).message() == again.render(values).message()


def test_tracked_and_untracked_variants_differ_as_promised() -> None:
    values = person({"contact.code": "A&B"})
    tracked = _skeleton("slots", Engagement("https://t.example")).preview(values)
    untracked = _skeleton("slots", Engagement("https://t.example", "campaignwide")).preview(values)
    token = "t" * 43
    assert f"https://t.example/o/{token}.gif" in tracked.html
    assert f"https://t.example/c/{token}/0?v=A%26B" in tracked.html and f"/c/{token}/1" in tracked.text
    assert token not in untracked.html + untracked.text
    assert ".gif" not in untracked.html
    assert "https://t.example/c/campaignwide/0?v=A%26B" in untracked.html


def test_constants_are_baked_and_needs_are_told() -> None:
    skeleton = _skeleton("slots", None)
    assert "postal_address" not in skeleton.needs and "brand.name" not in skeleton.needs
    assert {"contact.first_name", "contact.tags", "unsubscribe_url", "why", "date"} <= skeleton.needs
    assert "engagement_token" in _skeleton("slots", Engagement("https://t.example")).needs


@pytest.mark.parametrize(
    "address",
    [
        "ann", "@x.example", "ann@", "a b@x.example", "a\r\nb@x.example", "a>b@x.example", "ann@-x.example", "a@b@c",
        "ann@" + "a" * 64 + ".example", "x" * 65 + "@example.com", "x@" + ("a" * 60 + ".") * 5 + "example",
    ],
)  # fmt: skip
def test_addresses_no_header_can_carry_are_refused(address: str) -> None:
    """STANDARDS 17, 19."""
    with pytest.raises(AddressRefused):
        _skeleton("slots", None).render(person({"to_address": address}))


def test_addresses_at_the_limits() -> None:
    """STANDARDS 18, 19."""
    local, domain = "x" * 64, ".".join(["a" * 60] * 3) + ".abcdef"
    assert len(f"{local}@{domain}") == 254
    assert mime.envelope_address(f"{local}@{domain}") == f"{local}@{domain}"
    with pytest.raises(AddressRefused):
        mime.envelope_address(f"{local}@{domain}x")
    assert mime.envelope_address("Ann@BÜCHER.example") == "Ann@xn--bcher-kva.example"
    rendered = _skeleton("slots", None).render(person({"to_address": "ann@bücher.example"}))
    assert b"ann@xn--bcher-kva.example" in rendered.headers


def test_a_subject_with_a_wrong_tag_is_refused() -> None:
    with pytest.raises(DesignError, match="Line 1, column"):
        build_skeleton(DESIGNS["slots"], Frame("a@b.example", "A", "Hi {{ contact.x", "b.example"), None)


def test_a_100_kb_line_is_cut() -> None:
    """STANDARDS 14."""
    text = "".join(random.Random(1).choice("abc .=é") for _ in range(100_000))
    for before_slot in (False, True):
        encoded = mime.quoted_printable(text, before_slot=before_slot)
        assert max(map(len, encoded.split(b"\r\n"))) <= 76
        assert not any(line.startswith(b".") for line in encoded.split(b"\r\n"))


def test_stored_constants_keep_their_types() -> None:
    source = "<mjml><mj-body><mj-section><mj-column><mj-text>{% if campaign.name == contact.city %}{{ why }}{% endif %}"
    source += "</mj-text></mj-column></mj-section></mj-body></mjml>"
    constants: Values = {"campaign.name": "x", "why": Decimal("1.50"), "brand.since": date(2020, 1, 2)}
    skeleton = build_skeleton(compile_design(source), FRAME, None, constants=constants)
    assert Skeleton.from_bytes(skeleton.to_bytes()) == skeleton
