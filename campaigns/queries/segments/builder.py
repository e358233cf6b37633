"""A segment as form fields, both ways, for the builder.

Nodes are named by their path: ``r`` is the root, ``r.0`` its first member. A group has the field ``r/mode``; a
condition has ``r.0/what`` (kind and subject), ``r.0/was`` (what it was when the page was drawn) and one field for each
control.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from app.core.errors import InvalidInput
from campaigns.queries.segments.condition import Context, Control, conditions
from campaigns.queries.segments.tree import MAX_CONDITIONS, MODES, kind_of, mode_of

ROOT = "r"
BLANK: Mapping[str, object] = {"field": "country", "op": "eq"}


@dataclass(frozen=True)
class Row:
    """A condition. ``what`` is ``kind:subject``; ``raw`` its JSON when it cannot be shown, and ``problem`` why."""

    path: str
    position: str
    what: str
    controls: tuple[Control, ...]
    raw: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Group:
    """A group with its members; ``depth`` counts from 0."""

    path: str
    position: str
    mode: str
    members: tuple[Row | Group, ...]
    depth: int


def draw(definition: object, context: Context) -> Group:
    """Return a segment as rows and groups. A condition that cannot be understood keeps its JSON."""
    root = definition if isinstance(definition, Mapping) and mode_of(definition) else {"all": [definition]}
    drawn = _draw(root, ROOT, "", 0, context)
    assert isinstance(drawn, Group)
    return drawn


def _draw(node: object, path: str, position: str, depth: int, context: Context) -> Row | Group:
    mode = mode_of(node) if isinstance(node, Mapping) else None
    if mode is None or not isinstance(node, Mapping):
        return _row(node, path, position, context)
    members = node[mode] if isinstance(node[mode], list) else []
    return Group(
        path,
        position,
        mode,
        tuple(
            _draw(member, f"{path}.{index}", f"{position}.{index + 1}".lstrip("."), depth + 1, context)
            for index, member in enumerate(members)
        ),
        depth,
    )


def _row(leaf: object, path: str, position: str, context: Context) -> Row:
    try:
        if not isinstance(leaf, Mapping):
            raise InvalidInput(str(leaf))
        kind = kind_of(leaf)
        subject = str(leaf[kind.key]) if str(leaf[kind.key]) in dict(kind.subjects(context)) else ""
        return Row(path, position, f"{kind.key}:{subject}", tuple(kind.controls(leaf, context)))
    except InvalidInput as error:
        return Row(path, position, "", (), json.dumps(leaf, ensure_ascii=False), str(error))


def menu(context: Context) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what a condition may be about: kinds with the subjects they offer, as ``kind:subject`` and text."""
    return [
        (str(kind.title), [(f"{kind.key}:{subject}", text) for subject, text in kind.subjects(context)])
        for kind in conditions
        if kind.subjects(context)
    ]


# From the form


def read(form: Mapping[str, str], context: Context) -> dict[str, Any]:
    """Return the definition that a posted builder says. Raises ``InvalidInput`` for more than any segment may have."""
    nodes: dict[str, dict[str, str]] = {}
    for name, value in form.items():
        path, slash, control = name.partition("/")
        if slash and path.split(".")[0] == ROOT:
            nodes.setdefault(path, {})[control] = value
    if len(nodes) > 2 * MAX_CONDITIONS:  # groups are nodes, too
        raise InvalidInput(_("a segment may have %(max)d conditions at most.", max=MAX_CONDITIONS))
    definition = _node(ROOT, nodes, context) if ROOT in nodes else {"all": []}
    return definition if mode_of(definition) else {"all": [definition]}


def _node(path: str, nodes: Mapping[str, Mapping[str, str]], context: Context) -> dict[str, Any]:
    given = nodes[path]
    if "mode" in given:
        mode = given["mode"] if given["mode"] in MODES else MODES[0]
        return {mode: [_node(member, nodes, context) for member in _members(path, nodes)]}
    if "raw" in given and given.get("what", "") in ("", given.get("was")):
        return _raw(given["raw"])
    key, _, subject = given.get("what", "").partition(":")
    kind = conditions.get(key)
    if kind is None:
        return dict(BLANK)
    # The values of one subject mean nothing to another.
    texts = given if given.get("what") == given.get("was") else {}
    try:
        return kind.read(subject, texts, context)
    except InvalidInput:
        return {key: subject}


def _members(path: str, nodes: Mapping[str, object]) -> list[str]:
    prefix = f"{path}."
    inner = [name for name in nodes if name.startswith(prefix) and name[len(prefix) :].isdigit()]
    return sorted(inner, key=lambda name: int(name[len(prefix) :]))


def _raw(text: str) -> dict[str, Any]:
    try:
        kept = json.loads(text)
    except ValueError:
        kept = None
    return kept if isinstance(kept, dict) else dict(BLANK)


def act(definition: dict[str, Any], action: str) -> tuple[dict[str, Any], str]:
    """Do what a button of the builder says (``add:r``, ``group:r.1``, ``remove:r.0``) and return the new definition
    and the path of what should have the focus; an action that fits nothing changes nothing."""
    verb, _, path = action.partition(":")
    steps = path.split(".")
    if steps[0] != ROOT or not all(step.isdigit() for step in steps[1:]):
        return definition, ""
    indexes = [int(step) for step in steps[1:]]
    if verb == "remove" and indexes:
        parent = _group(definition, indexes[:-1])
        if parent is None or indexes[-1] >= len(parent):
            return definition, ""
        del parent[indexes[-1]]
        return definition, f"add:{'.'.join(steps[:-1])}"
    members = _group(definition, indexes)
    if members is None or verb not in ("add", "group"):
        return definition, ""
    place = f"{path}.{len(members)}"
    members.append(dict(BLANK) if verb == "add" else {"any": [dict(BLANK)]})
    return definition, place if verb == "add" else f"{place}.0"


def _group(definition: dict[str, Any], indexes: list[int]) -> list[Any] | None:
    """Return the members of the group at ``indexes``."""
    node: Any = definition
    for index in [*indexes, None]:
        mode = mode_of(node) if isinstance(node, dict) else None
        members = node[mode] if mode else None
        if not isinstance(members, list):
            return None
        if index is None:
            return members
        if index >= len(members):
            return None
        node = members[index]
    return None
