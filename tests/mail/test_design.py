"""Designs: what compiles, what is refused and where, links, text, privacy."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import subprocess
import time
from datetime import UTC, datetime

import pytest

from app.mail import mime
from app.mail.content import DesignError, Fields, Link, compile_design
from app.mail.content.links import with_utm
from app.mail.skeleton import Engagement, Frame, build_skeleton
from app.mail.templates import LANGUAGES, starters

FIELDS = Fields(contact=frozenset({"first_name", "city", "code", "orders", "vip", "tags"}))


def design(inner: str, *, head: str = "", wrap: bool = True) -> str:
    body = f"<mj-section>\n<mj-column>\n{inner}\n</mj-column>\n</mj-section>" if wrap else inner
    return f"<mjml>\n{head}<mj-body>\n{body}\n</mj-body>\n</mjml>"


def text(inner: str) -> str:
    return design(f"<mj-text>{inner}</mj-text>")


@pytest.mark.parametrize(
    ("source", "line", "column", "says"),
    [
        ("", 1, 1, "starts with <mjml>"),
        ("hello", 1, 1, "“hello” cannot stand here"),
        ("<mjml></mjml>", 1, 1, "no <mj-body>"),
        (design("<mj-txt>hello</mj-txt>"), 5, 1, "did you mean “mj-text”"),
        (design('<mj-text colour="red">x</mj-text>'), 5, 1, "did you mean “color”"),
        (design("<mj-text color=red color=blue>x</mj-text>"), 5, 1, "twice"),
        (design("<p>hello</p>"), 5, 1, "put HTML inside <mj-text>"),
        (design("loose words"), 5, 1, "put it inside <mj-text>"),
        (design("<mj-text>one\n<b>two</mj-text>"), 6, 1, "<b> is never closed"),
        (design("<mj-text>one</p></mj-text>"), 5, 13, "</p> closes nothing"),
        (design("<mj-text>one"), 6, 1, "</mj-column> found, but <mj-text> from line 5 is still open"),
        ("<mjml>\n<mj-body>\n", 2, 1, "<mj-body> is never closed"),
        (design('<mj-include path="/etc/passwd" />'), 5, 1, "mj-include"),
        (design('<mj-column><mj-text>x</mj-text></mj-column>'), 5, 1, "cannot stand in <mj-column>"),
        (text("<script>alert(1)</script>"), 5, 10, "<script> is not allowed"),
        (text('<b onclick="x()">x</b>'), 5, 10, "onclick"),
        (text('<a href="javascript:alert(1)">x</a>'), 5, 10, "must start with https://"),
        (text('<a href="">x</a>'), 5, 10, "no address"),
        (text('<a href="https://{{ contact.city }}.example/">x</a>'), 5, 10, "only in its query"),
        (text("one\n  {{ contact.firstname }}"), 6, 6, "no merge field “contact.firstname”"),
        (text("{{ contact.first_name"), 5, 10, "Merge tag"),
        (text("\n{% if contact.vip %}x"), 6, 1, "add {% endif %}"),
        (text("{{ contact.city | shout }}"), 5, 28, "unknown filter “shout”"),
        (text("{% include 'x' %}"), 5, 13, "unexpected tag"),
        (design('<mj-image alt="x" src="https://x.example/{{ contact.code }}.png" />'), 5, 1, "“src”"),
        (design('<mj-image alt="x" />'), 5, 1, "no src"),
        (design('<mj-text color="{{ contact.city }}">x</mj-text>'), 5, 1, "person's data"),
        (design('<mj-text color="{% if contact.vip %}red{% endif %}">x</mj-text>'), 5, 1, "condition"),
        (design("<mj-social>{% if contact.vip %}{% endif %}</mj-social>"), 5, 12, "condition"),
        (design("<mj-text>x</mj-text") , 6, 1, ""),
    ],
)  # fmt: skip
def test_mistakes_are_named_with_line_and_column(source: str, line: int, column: int, says: str) -> None:
    with pytest.raises(DesignError) as error:
        compile_design(source, fields=FIELDS)
    assert says in str(error.value)
    if says:
        assert (error.value.line, error.value.column) == (line, column), str(error.value)
        assert str(error.value).startswith(f"Line {line}, column {column}: ")


def test_merge_tags_survive_compilation_and_inlining() -> None:
    """Traps: comparison signs, quotes in attributes, loops around table rows, conditions around elements."""
    head = '<mj-head><mj-style inline="inline">.row td { color: red; }</mj-style></mj-head>'
    inner = """<mj-table css-class="row"><tr><th>Tag</th></tr>
    {% for tag in contact.tags %}
    {% if tag != "<none>" %}<tr><td>{{ tag | upcase }}</td></tr>{% endif %}{% endfor %}</mj-table>
    {% if contact.orders > 3 and contact.orders < 10 %}<mj-image src="https://x.example/a.png"
      alt="{{ contact.first_name | default: "you" }}" />{% endif %}
    <mj-text>{% if contact.orders &gt;= 3 %}many{% endif %} {{ contact.city | default: "A & B" }}</mj-text>"""
    made = compile_design(design(inner, head=head), fields=FIELDS).html
    assert "{% if contact.orders > 3 and contact.orders < 10 %}" in made
    assert 'alt="{{ contact.first_name | default: "you" }}"' in made
    assert '{% if tag != "<none>" %}<tr>' in made.replace("\n", "")
    assert 'style="color: red;">{{ tag | upcase }}' in made
    assert '{{ contact.city | default: "A & B" }}' in made
    assert "contact.orders >=" in made


def test_links_are_numbered_in_order_and_special_ones_kept() -> None:
    inner = """<mj-button href="https://shop.example/a?x=1&amp;y=2">Buy</mj-button>
    <mj-text><a href="https://shop.example/b?who={{ contact.code }}#top">you &amp; <b>us</b></a>
    <a href="{{ unsubscribe_url }}">leave</a> <a href="mailto:hi@brand.example">write</a> <a href="tel:+331">call</a>
    <a href="#top">up</a></mj-text>"""
    made = compile_design(design(inner), fields=FIELDS)
    assert [(link.number, link.url, link.label) for link in made.links] == [
        (0, "https://shop.example/a?x=1&y=2", "Buy"),
        (1, "https://shop.example/b?who={{ contact.code }}#top", "you & us"),
    ]
    assert 'href="{{ unsubscribe_url }}"' in made.html
    assert 'href="mailto:hi@brand.example"' in made.html
    assert 'href="https://shop.example/a?x=1&amp;y=2"' in made.html
    assert "Buy (https://shop.example/a?x=1&y=2)" in made.text
    assert "leave ({{ unsubscribe_url }})" in made.text
    assert made.has_unsubscribe


def test_a_destination_cannot_be_moved_by_its_values() -> None:
    link = Link(0, "", pieces=("https://shop.example/b?who=", "&n=", "#top"))
    assert Link.from_json(link.to_json()) == link
    assert (
        link.destination(["a b&c", "//evil.example"]) == "https://shop.example/b?who=a%20b%26c&n=%2F%2Fevil.example#top"
    )
    assert link.destination([]) == "https://shop.example/b?who=&n=#top"
    assert link.destination(["1", "2", "3"]) == "https://shop.example/b?who=1&n=2#top"


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("https://x.example/", "https://x.example/?utm_source=news"),
        ("https://x.example/?a=1#b", "https://x.example/?a=1&utm_source=news#b"),
        ("https://x.example/?utm_source=mine", "https://x.example/?utm_source=mine"),
        ("https://x.example/?q={{ contact.code }}", "https://x.example/?q={{ contact.code }}&utm_source=news"),
    ],
)
def test_campaign_parameters(url: str, result: str) -> None:
    assert with_utm(url, {"utm_source": "news"}) == result


def test_constants_stand_anywhere() -> None:
    inner = '<mj-text color="{{ brand.colour }}">{{ brand.name }} <a href="{{ brand.website }}">site</a></mj-text>'
    constants = {"brand.colour": "#123456", "brand.name": "A & B", "brand.website": "https://brand.example/"}
    made = compile_design(design(inner), constants=constants)
    assert "color:#123456" in made.html
    assert "A &amp; B" in made.html
    assert made.links[0].url == "https://brand.example/"


def test_nothing_calls_a_third_party_by_default() -> None:
    head = """<mj-head><mj-font name="Raleway" href="https://fonts.googleapis.com/css?family=Raleway" />
    <mj-style>@import url("https://fonts.example/x.css"); @font-face { src: url(https://f.example/x) }
    .a{color:red}</mj-style>
    <mj-raw><link rel="stylesheet" href="https://cdn.example/x.css" /></mj-raw></mj-head>"""
    inner = """<mj-text font-family="Ubuntu, Raleway, Arial">x</mj-text>
    <mj-social><mj-social-element name="facebook" href="https://fb.example/">F</mj-social-element></mj-social>
    <mj-carousel><mj-carousel-image src="https://img.brand.example/1.png" /></mj-carousel>
    <mj-accordion><mj-accordion-element><mj-accordion-title>t</mj-accordion-title></mj-accordion-element></mj-accordion>"""
    made = compile_design(design(inner, head=head))
    for host in ("googleapis", "fonts.example", "f.example", "cdn.example", "mailjet", "imgur"):
        assert host not in made.html
    assert ".a{color:red}" in made.html.replace(" ", "")
    assert len([w for w in made.warnings if "third party" in w]) == 3
    own = compile_design(design(inner), icons_url="https://mail.brand.example/icons")
    assert 'src="https://mail.brand.example/icons/facebook.png"' in own.html


def test_attributes_are_escaped_exactly_once() -> None:
    inner = """<mj-image src="https://x.example/a.png?b=1&amp;c=2" alt="say &quot;hi&quot; &amp; &lt;go&gt;" />"""
    made = compile_design(design(inner)).html
    assert 'alt="say &quot;hi&quot; &amp; &lt;go&gt;"' in made
    assert 'src="https://x.example/a.png?b=1&amp;c=2"' in made


def test_the_text_part_is_readable() -> None:
    inner = """<mj-text><h1>Title</h1><p>One&nbsp;two<br>three</p><ul><li>a</li><li>b <b>c</b></li></ul>
      <ol><li>x</li><li>y</li></ol></mj-text>
    <mj-divider /><mj-image src="https://x.example/a.png" alt="A picture" href="https://x.example/" />
    <mj-table><tr><th>Item</th><th>Price</th></tr><tr><td>Tea</td><td>3</td></tr></mj-table>
    {% if contact.vip %}<mj-text>For you</mj-text>{% endif %}<mj-button href="https://x.example/go">Go</mj-button>"""
    assert compile_design(design(inner)).text == (
        "Title\n\nOne two\nthree\n\n- a\n- b c\n\n1. x\n2. y\n\n" + "-" * 40 + "\n\nA picture (https://x.example/)\n\n"
        "Item | Price\nTea | 3\n\n{% if contact.vip %}For you\n\n{% endif %}Go (https://x.example/go)\n"
    )


def test_preheader_and_language() -> None:
    made = compile_design(
        design("<mj-text>x</mj-text>", head="<mj-head><mj-preview>old</mj-preview></mj-head>"),
        preheader='{{ contact.first_name | default: "You" }} <first>',
        language="fr",
    )
    assert '{{ contact.first_name | default: "You" }} &lt;first&gt;' in made.html
    assert "old" not in made.html
    assert '<html lang="fr"' in made.html
    assert "first" not in made.text


def test_warnings_tell_what_a_launch_will_ask_for() -> None:
    made = compile_design(design('<mj-image src="https://x.example/a.png" /><mj-text><a href="/x">x</a></mj-text>'))
    joined = " ".join(made.warnings)
    for word in ("alt text", "relative", "unsubscribe", "postal address"):
        assert word in joined
    assert not made.has_unsubscribe
    assert not made.has_postal_address


@pytest.mark.parametrize("language", LANGUAGES)
def test_starter_designs_are_complete_and_load_nothing(language: str) -> None:
    for starter in (*starters(language), *starters(language, asking=True)):
        fields = Fields(contact=frozenset({"first_name"}), brand=frozenset({"name", "colour"}))
        made = compile_design(starter.mjml, fields=fields, language=language)
        assert made.warnings == ()
        assert made.has_unsubscribe and made.has_postal_address
        assert "why" in made.fields and "preferences_url" in made.fields
        assert "<img" not in made.html
        assert f'lang="{language}"' in made.html
    assert starters("fr-BE") == starters("fr")


def test_the_question_has_its_button_and_its_time() -> None:
    for language in LANGUAGES:
        (question,) = starters(language, asking=True)
        made = compile_design(question.mjml, constants={"answer_days": 30}, language=language)
        assert all("{{ stay_url }}" in part and "30" in part for part in (made.html, made.text))


def test_a_huge_design_is_refused_kindly() -> None:
    with pytest.raises(DesignError, match="characters"):
        compile_design(text("x" * 2_100_000))


def test_constants_with_special_characters_are_escaped_once() -> None:
    constants = {"brand.name": "A & <B>", "postal_address": "1 rue X", "why": "because"}
    source = design("<mj-text>{{ brand.name }} {{ postal_address }}</mj-text>")
    made = compile_design(
        source, constants=constants, preheader="{{ brand.name }} {% if contact.orders > 3 %}&{% endif %}"
    )
    assert made.html.count("A &amp; &lt;B&gt;") == 2
    assert "{% if contact.orders > 3 %}&amp;{% endif %}" in made.html
    assert made.text == "A & <B> 1 rue X\n"
    assert made.has_postal_address


def test_an_xml_declaration_does_no_harm() -> None:
    made = compile_design('<?xml version="1.0" encoding="utf-8"?>\n' + text("x"))
    assert made.html.startswith("<!doctype html>") and made.text == "x\n"


def test_broken_designs_of_all_kinds_end_in_a_sentence() -> None:
    """Whatever is cut out of or put in a design, the answer is a design or a DesignError."""
    junk = [
        "<", ">", '"', "&", "{{", "}}", "{% if contact.x %}", "{% endif %}", "</mj-text>", "<mj-text>", "<b>", "-->",
        "<!--", 'width="abc"', "\ue0001\ue001", "\0", "{{ contact.x }}", "<![CDATA[", "</table>", 'href="https://["',
    ]  # fmt: skip
    dice = random.Random(7)
    sources = [starter.mjml for starter in starters("en")]
    for _ in range(150):
        source = dice.choice(sources)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(source))
            cut = dice.choice((0, 0, 1, 5))
            source = source[:at] + (dice.choice(junk) if not cut else "") + source[at + cut :]
        with contextlib.suppress(DesignError):
            compile_design(source)


@pytest.mark.skipif(not shutil.which("spamassassin"), reason="needs spamassassin")
@pytest.mark.parametrize("number", [1, 2])
def test_spamassassin_finds_nothing_in_a_starter(number: int) -> None:
    constants = {
        "brand.name": "Maison Brune",
        "brand.colour": "#8a3b12",
        "postal_address": "1 rue X, Paris",
        "why": "You asked.",
    }
    made = compile_design(starters("en")[number].mjml, constants=constants, preheader="What is new this month")
    frame = Frame(
        "news@brand.example",
        "Maison Brune",
        "News for {{ contact.first_name }}",
        "brand.example",
        list_id="n.brand.example",
    )
    rendered = build_skeleton(made, frame, Engagement("https://mail.brand.example"), constants=constants).render(
        {
            "to_address": "ann@example.com", "to_name": "Ann Lee", "message_id": "0198f2a4c6",
            "engagement_token": "T" * 40,
            "date": mime.date_header(datetime.now(UTC)), "contact.first_name": "Ann",
            "unsubscribe_url": "https://mail.brand.example/unsubscribe/x", "view_url": "https://mail.brand.example/view/x",
            "preferences_url": "https://mail.brand.example/preferences/x",
        }
    )  # fmt: skip
    report = subprocess.run(
        ["spamassassin", "-L", "-t"], input=rendered.message(), capture_output=True, timeout=60
    ).stdout
    rules = re.findall(r"^ *(-?\d+\.\d) (\w+)", report.decode("utf-8", "replace"), re.M)
    assert rules, "SpamAssassin said nothing"
    ours = {rule: float(points) for points, rule in rules if rule not in ("NO_RECEIVED", "NO_RELAYS")}
    assert all(points <= 0.5 for points in ours.values()), ours


@pytest.mark.parametrize("what", ["{%", "{{", "{\ue000%", "{{ x }}", "<a "])
def test_row_65_a_hostile_design_is_refused_at_once(what: str) -> None:
    began = time.perf_counter()
    with pytest.raises(DesignError):
        compile_design(what * (1_000_000 // len(what)))
    assert time.perf_counter() - began < 5
