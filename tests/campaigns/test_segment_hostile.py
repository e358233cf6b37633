"""Segments from anywhere: any JSON is compiled or refused with a sentence, and the builder loses nothing of a tree."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from campaigns.errors import SegmentError
from campaigns.queries import segments
from campaigns.queries.segments import Context, builder
from tests.campaigns.segment_trees import tree, with_ids
from tests.campaigns.test_segments import BRANDS, crowd
from tests.factories.people import Crowd

__all__ = ["crowd"]
KEYS = """
all any none field tag permission suppression engagement clicks orders geography segment list sample op value level
topic times within_days before_days campaign last_campaigns match product category brand of km latitude longitude seed
""".split()
WORDS = """
eq in between within_days anniversary_in_days did did_not granted is last count near area link lat born history news
""".split()
_scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 5),
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
_json = st.recursive(
    _scalar,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=3)), inner, max_size=5),
    ),
    max_leaves=12,
)


def test_any_json_is_compiled_or_refused(session: Session, crowd: Crowd) -> None:
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(_json)
    @example({"all": [{"segment": {"all": []}}]})
    @example({"orders": ["count"], "op": {}, "value": []})
    @example({"field": {"x": 1}, "op": "eq"})
    @example({"geography": "near", "of": [float("nan"), 1e308], "km": float("inf")})
    def is_safe(definition: object) -> None:
        try:
            found = segments.count(session, definition)
        except SegmentError as error:
            assert str(error)
        else:
            assert 0 <= found <= len(crowd.people)
        context = Context.of(session)
        assert segments.describe(definition, context) is not None
        drawn = builder.draw(definition, context)
        assert builder.read(_posted(drawn), context)

    is_safe()


def test_the_builder_gives_back_what_it_shows(session: Session, crowd: Crowd) -> None:
    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(tree)
    def keeps(drawn: dict) -> None:
        definition = with_ids(drawn, crowd, BRANDS)
        context = Context.of(session)
        read = builder.read(_posted(builder.draw(definition, context)), context)
        assert _people(session, read) == _people(session, definition)

    keeps()


def _people(session: Session, definition: object) -> set[int]:
    return set(session.scalars(segments.compile(session, definition)))


def _posted(node: builder.Row | builder.Group) -> dict[str, str]:
    """The fields that a browser would post."""
    if isinstance(node, builder.Group):
        fields = {f"{node.path}/mode": node.mode}
        for member in node.members:
            fields |= _posted(member)
        return fields
    fields = {f"{node.path}/what": node.what, f"{node.path}/was": node.what}
    if node.raw:
        fields[f"{node.path}/raw"] = node.raw
    return fields | {f"{node.path}/{control.name}": control.value for control in node.controls}
