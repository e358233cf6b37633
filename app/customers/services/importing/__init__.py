"""Importing contacts: what the parts of an import share, and where higher rooms join in."""

from __future__ import annotations

from app.customers.services.importing.terms import (
    Barrier,
    ImportSink,
    PermissionTerms,
    SinkResult,
    TopicChoice,
    barriers,
    sinks,
    topic_by_slug,
    topic_choices,
    topics,
)

__all__ = [
    "Barrier",
    "ImportSink",
    "PermissionTerms",
    "SinkResult",
    "TopicChoice",
    "barriers",
    "sinks",
    "topic_by_slug",
    "topic_choices",
    "topics",
]
