"""Merge tags: the sandbox holds, and the fast way gives what Liquid gives."""

from __future__ import annotations

import time
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.mail import fragments, merge
from app.mail.errors import DesignError
from app.mail.merge import Escape, Fields

HOSTILE = [
    "{% for a in (1..1000000) %}{% for b in (1..1000000) %}x{% endfor %}{% endfor %}",
    "{% assign a = 'xxxxxxxxxx' %}{% for i in (1..999) %}{% assign a = a | append: a %}{% endfor %}{{ a }}",
    "{% assign a = 9 %}{% for i in (1..999) %}{% assign a = a | times: a %}{% endfor %}{{ a }}",
    "{% assign a = 'xxxxxxxxxx' %}{{ a" + " | replace: 'x', a" * 9 + " }}",
    "{{ contact.long" + " | append: contact.long" * 1500 + " }}",
    "{{ contact.long" + " | prepend: contact.long" * 1500 + " }}",
    "{{ contact.long | split: '' | join: contact.long }}",
    "{{ 'now' | date: '%999999999Y' }}",
    "{% include '/etc/passwd' %}",
    "{% render 'x' %}",
    "{% capture x %}a{% endcapture %}",
    "{{ contact.__class__.__mro__ }}",
    "{{ contact.first_name.__class__ }}",
    "{{ contact.first_name | safe }}",
    "{% liquid echo 'x' %}",
    "{% tablerow i in (1..1000000) %}{{ i }}{% endtablerow %}",
    "{{ 9 | divided_by: 0 }}",
    "{{ 'x' | slice: 'a', 'b' }}",
    "{{ contact.first_name | times: contact }}",
]  # fmt: skip


@pytest.mark.parametrize("source", HOSTILE)
def test_the_sandbox_holds(source: str) -> None:
    """STANDARDS 65: time, output and loops are limited; plain data only."""
    started = time.monotonic()
    try:
        out = merge.render(source, {"contact.first_name": "Ann", "contact.long": "x" * 32_000}, Escape.HTML)
    except DesignError:
        out = ""
    assert time.monotonic() - started < 2
    assert len(out) < 1_000_000
    assert "class" not in out


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '" onmouseover="x', "{{ contact.code }}{% raw %}", "a&b"]
)
def test_values_are_inert(text: str) -> None:
    """STANDARDS 64: markup and tags in a person's data stay text, whatever filter the author wrote."""
    for tag in (
        "{{ contact.x }}",
        "{{ contact.x | escape }}",
        "{% if contact.x %}{{ contact.x | append: '' }}{% endif %}",
    ):
        made = merge.render(tag, {"contact.x": text}, Escape.HTML)
        assert made.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&") == text
        assert "<" not in made and '"' not in made


EXPRESSIONS = [
    "{{ contact.x }}", "{{ contact.x | default: 'A & B' }}", "{{ contact.x | upcase }}", "{{ contact.x | capitalize }}",
    "{{ contact.x | strip | append: '!' | prepend: '<' }}", "{{ contact.x | truncate: 5 }}", "{{ contact.x | size }}",
    "{{ contact.x | replace: 'a', 'b' }}", "{{ contact.x | url_encode }}", "{{ contact.x | default: 3 | plus: 2 }}",
    "{{ contact.x | date: '%Y' }}", "{{ contact.x | escape | downcase }}", "{{ contact.x | slice: 1, 2 }}",
    "{{ contact.x | split: ',' | first }}", "{{ contact.x | join: ', ' }}", "{{ contact.x | round: 1 }}",
    "{{ contact.x | truncatewords: 2, '…' }}", "{{ contact.x | remove: 'a' }}",
    "{{ contact.x | default: false, allow_false: true }}",
]  # fmt: skip
values = st.one_of(
    st.text(max_size=30), st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False), st.dates(date(1000, 1, 1)),
    st.lists(st.text(max_size=5)).map(tuple),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(source=st.sampled_from(EXPRESSIONS), value=values, escape=st.sampled_from(list(Escape)), absent=st.booleans())
def test_the_fast_way_gives_what_liquid_gives(source: str, value: merge.Value, escape: Escape, absent: bool) -> None:
    given_values: dict[str, merge.Value] = {} if absent else {"contact.x": value}
    assert merge.compile_output(source) is not None
    fast = fragments.renderer(fragments.Slot(source, escape), {})

    def outcome(render: object) -> str:
        try:
            # Line ends come out as one kind from Liquid; encoding makes them CRLF either way.
            return render().replace("\r\n", "\n").replace("\r", "\n")  # type: ignore[operator]
        except DesignError:
            return "refused"

    assert outcome(lambda: fast(given_values)) == outcome(lambda: merge.render(source, given_values, escape))


def test_fields_are_known_by_name() -> None:
    fields = Fields(contact=frozenset({"city"}), extra=frozenset({"topics"}))
    assert merge.check("{{ contact.city }} {{ why }} {{ topics }} {{ brand.anything }}", fields) == {
        "contact.city", "why", "topics", "brand.anything",
    }  # fmt: skip
    with pytest.raises(DesignError, match=r"Line 2, column 4: There is no merge field “contact\.town”.*contact\.city"):
        merge.check("x\n{{ contact.town }}", fields)


def test_loop_variables_are_no_fields() -> None:
    source = "{% for tag in contact.tags %}{{ tag }}{{ forloop.index }}{% endfor %}{% assign a = 1 %}{{ a }}"
    assert merge.check(source, Fields()) == {"contact.tags"}
