"""Segments: target groups described by a JSON tree of conditions (``docs/reference/segments.md``).

``tree`` turns the tree into SQL, each kind of condition has a file, ``builder`` is the tree as form fields.
"""

from campaigns.queries.segments import (
    engagement,
    field,
    geography,
    member,
    permission,
    suppression,
    tag,
)
from campaigns.queries.segments import (
    sample as random_sample,
)
from campaigns.queries.segments.condition import Condition, Context, Control, Verdict, among, certain, conditions
from campaigns.queries.segments.insight import Explanation, Overlap, explain, overlaps
from campaigns.queries.segments.run import Look, bounded, compile, count, joined, look, roomy, sample
from campaigns.queries.segments.stored import Counted, SegmentInfo, by_names, due, history, segment, segments
from campaigns.queries.segments.words import describe

for _kind in (
    field.CONDITION,
    geography.CONDITION,
    tag.CONDITION,
    permission.CONDITION,
    suppression.CONDITION,
    engagement.CONDITION,
    member.SEGMENT,
    member.LIST,
    random_sample.CONDITION,
):
    conditions.add(_kind.key, _kind)

__all__ = [
    "Condition",
    "Context",
    "Control",
    "Counted",
    "Explanation",
    "Look",
    "Overlap",
    "SegmentInfo",
    "Verdict",
    "among",
    "bounded",
    "by_names",
    "certain",
    "compile",
    "conditions",
    "count",
    "describe",
    "due",
    "explain",
    "history",
    "joined",
    "look",
    "overlaps",
    "roomy",
    "sample",
    "segment",
    "segments",
]
