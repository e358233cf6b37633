"""Importing contacts: what the parts of an import share, and where higher rooms join in."""

from __future__ import annotations

from app.customers.services.importing.terms import (
    Barrier,
    BasisTerms,
    Condition,
    Departures,
    ImportSink,
    PermissionTerms,
    SinkResult,
    TopicChoice,
    barriers,
    bases,
    conditions_of,
    leavers,
    sinks,
    split_evidence,
    topic_by_slug,
    topic_choices,
    topics,
)

__all__ = [
    "Barrier",
    "BasisTerms",
    "Condition",
    "Departures",
    "ImportSink",
    "PermissionTerms",
    "SinkResult",
    "TopicChoice",
    "barriers",
    "bases",
    "conditions_of",
    "leavers",
    "sinks",
    "split_evidence",
    "topic_by_slug",
    "topic_choices",
    "topics",
]
