"""The SQL by which an import changes people who are known already, as the rules of their fields say.

What changes is kept with what was there before, so that the import can be undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from sqlalchemy import TextClause, text

from app.customers.policy.rows import CORE
from app.customers.policy.rules import Rule, rule_of

# A row is newer than a person when it was changed after what is known of them.
_NEWER = "(i.changed_at > coalesce(c.known_at, c.updated_at))"


def statement(rules: Mapping[str, str]) -> TextClause:
    """Return the statement that updates ``contact`` from ``incoming`` and notes the changes for ``:batch_id``.

    ``:now`` is the moment of the change. It touches no row that stays as it is (in PostgreSQL an update that changes
    nothing still writes the row and every index again).
    """
    return _statement(tuple(sorted(rules.items())))


@lru_cache(maxsize=64)
def _statement(given: tuple[tuple[str, str], ...]) -> TextClause:
    rules = dict(given)
    new = {name: _core(name, rule_of(rules, name)) for name in CORE}
    new["tags"] = _tags(rule_of(rules, "tags"))
    new["attributes"] = _attributes({name: rule for name, rule in rules.items() if name not in (*CORE, "tags")})
    differs = " OR ".join(f"{value} IS DISTINCT FROM c.{name}" for name, value in new.items())
    pairs = ", ".join(f"('{name}', to_jsonb(c.{name}), to_jsonb({new[name]}))" for name in (*CORE, "tags"))
    return text(f"""
    WITH changing AS MATERIALIZED (
        SELECT c.id, {", ".join(f"{value} AS {name}" for name, value in new.items())},
            CASE WHEN {_NEWER} THEN i.changed_at
                 WHEN i.changed_at IS NOT NULL THEN coalesce(c.known_at, c.updated_at) END AS known_at,
            (SELECT jsonb_object_agg(f.name, jsonb_build_array(f.before, f.after)) FROM (
                VALUES {pairs}
                UNION ALL
                SELECT e.key, c.attributes -> e.key, e.value FROM jsonb_each({new["attributes"]}) e
            ) f (name, before, after) WHERE f.before IS DISTINCT FROM f.after) AS changes
        FROM incoming i JOIN contact c ON c.email_key = i.email_key
        WHERE {differs}
        ORDER BY c.id FOR NO KEY UPDATE OF c
    ), noted AS (
        INSERT INTO import_change (batch_id, contact_id, changes, at)
        SELECT :batch_id, id, changes, :now FROM changing
        ON CONFLICT (batch_id, contact_id) DO UPDATE SET at = excluded.at,
            changes = import_change.changes || (
                SELECT jsonb_object_agg(e.key, CASE WHEN import_change.changes ? e.key
                    THEN jsonb_build_array(import_change.changes -> e.key -> 0, e.value -> 1) ELSE e.value END)
                FROM jsonb_each(excluded.changes) e)
    )
    UPDATE contact c SET {", ".join(f"{name} = t.{name}" for name in new)}, known_at = t.known_at, updated_at = :now
    FROM changing t WHERE c.id = t.id
    """)  # noqa: S608 - names of columns and expressions of this file, and names of declared fields, which are checked


def _core(name: str, rule: Rule) -> str:
    given, blank = f"coalesce(i.{name}, c.{name})", f"coalesce(c.{name}, '') = ''"
    return {
        Rule.OVERWRITE: given,
        Rule.FILL: f"CASE WHEN {blank} THEN {given} ELSE c.{name} END",
        Rule.KEEP: f"c.{name}",
        Rule.NEWEST: f"CASE WHEN {blank} OR {_NEWER} THEN {given} ELSE c.{name} END",
    }[rule]


def _tags(rule: Rule) -> str:
    if rule is Rule.KEEP:
        return "c.tags"
    if rule is Rule.FILL:
        return "CASE WHEN c.tags = '{}' THEN i.tags ELSE c.tags END"
    return "c.tags || ARRAY(SELECT t FROM unnest(i.tags) t WHERE t <> ALL (c.tags))"


def _attributes(rules: Mapping[str, str]) -> str:
    if not rules:
        return "(c.attributes || i.attributes)"
    fill = [name for name, rule in rules.items() if rule == Rule.FILL]
    newest = [name for name, rule in rules.items() if rule == Rule.NEWEST]
    parts = ["c.attributes", _without(rules)]
    if filled := [*fill, *newest]:
        parts.insert(0, _only(filled))
    if newest:
        parts.append(f"CASE WHEN {_NEWER} THEN {_only(newest)} ELSE '{{}}' END")
    return f"({' || '.join(parts)})"


def _without(names: Iterable[str]) -> str:
    return f"(i.attributes - {_array(names)})"


def _only(names: Iterable[str]) -> str:
    chosen = f"o.key = ANY ({_array(names)})"
    return f"coalesce((SELECT jsonb_object_agg(o.key, o.value) FROM jsonb_each(i.attributes) o WHERE {chosen}), '{{}}')"  # noqa: S608 - see ``_array``


def _array(names: Iterable[str]) -> str:
    """Names of declared fields hold nothing but lower-case letters, digits and _ (checked by their table)."""
    return "CAST(ARRAY[" + ", ".join(f"'{name}'" for name in names) + "] AS text[])"
