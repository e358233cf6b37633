"""From the JSON tree of a segment to SQL.

A group is an object with one key, ``all``, ``any`` or ``none``, whose value lists groups and conditions. Truth is
Kleene's: De Morgan's laws hold, so ``none`` is pushed down to the conditions, each of which says in SQL for whom it is
certainly true and for whom certainly false (``Verdict``). What remains above them is only AND and OR.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, false, or_, true

from app.core.errors import InvalidInput
from campaigns.errors import SegmentError
from campaigns.queries.segments import given
from campaigns.queries.segments.condition import Condition, Context, Leaf, Verdict, conditions

MODES = ("all", "any", "none")
MAX_DEPTH = 8
MAX_CONDITIONS = 200


@dataclass(frozen=True)
class Place:
    """Where a node stands: as JSON says it (``all[1].any[0]``) and as people count (``2.1``)."""

    path: str = ""
    position: str = ""
    depth: int = 0

    def member(self, mode: str, index: int) -> Place:
        """Return the place of a group's member."""
        path = f"{self.path}.{mode}[{index}]" if self.path else f"{mode}[{index}]"
        position = f"{self.position}.{index + 1}" if self.position else str(index + 1)
        return Place(path, position, self.depth + 1)

    def error(self, problem: str) -> SegmentError:
        """Return the error of the node at this place."""
        return SegmentError(problem, position=self.position, path=self.path or "$")


def mode_of(node: Mapping[str, object]) -> str | None:
    """Return the mode when ``node`` is a group."""
    return next((mode for mode in MODES if mode in node), None)


def kind_of(leaf: Leaf) -> Condition:
    """Return the kind of a condition. Raises ``InvalidInput`` when no kind knows it."""
    kinds = [kind for kind in conditions if kind.key in leaf]
    if len(kinds) != 1:
        known = ", ".join([*MODES, *conditions.names()])
        raise InvalidInput(_("a condition has exactly one of these keys: %(known)s.", known=known))
    return kinds[0]


def where(definition: object, context: Context) -> ColumnElement[bool]:
    """Return the SQL that is true for the members of a segment. Raises ``SegmentError``."""
    return _Compiler(context).node(definition, Place(), negated=False)


def both(definition: object, context: Context, place: Place = Place()) -> Verdict:
    """Return the SQL of who is certainly in a segment or a part of one, which stands at ``place``, and of who is
    certainly not; its conditions count once. Raises ``SegmentError``."""
    compiler, before = _Compiler(context), context.opened.conditions
    yes = compiler.node(definition, place, negated=False)
    context.opened.conditions = before
    return Verdict(yes, compiler.node(definition, place, negated=True))


def members_of(definition: object) -> tuple[str, list[tuple[object, Place]]]:
    """Return the mode of the outermost group and its members with their places; of what is no group, itself in an
    ``all``."""
    mode = mode_of(definition) if isinstance(definition, Mapping) else None
    if mode is None or not isinstance(definition, Mapping):
        return "all", [(definition, Place())]
    return mode, [(member, Place().member(mode, index)) for index, member in enumerate(definition[mode])]


def count(context: Context, conditions: int) -> None:
    """Note that the statement has so many conditions more. Raises ``InvalidInput`` when it has too many."""
    context.opened.conditions += conditions
    if context.opened.conditions > MAX_CONDITIONS:
        raise InvalidInput(_("a segment may have %(max)d conditions at most.", max=MAX_CONDITIONS))


class _Compiler:
    def __init__(self, context: Context) -> None:
        self.context = context

    def node(self, node: object, place: Place, *, negated: bool) -> ColumnElement[bool]:
        if not isinstance(node, Mapping):
            raise place.error(_("a group or a condition is expected, not %(value)s.", value=given.show(node)))
        mode = mode_of(node)
        if mode is None:
            return self._condition(node, place, negated=negated)
        if len(node) != 1:
            other = next(str(key) for key in node if key != mode)
            raise place.error(
                _("a group has one key only, and this one has “%(one)s” and “%(other)s”.", one=mode, other=other)
            )
        return self._group(mode, node[mode], place, negated=negated)

    def _group(self, mode: str, members: object, place: Place, *, negated: bool) -> ColumnElement[bool]:
        if not isinstance(members, list):
            raise place.error(_("“%(mode)s” needs a list of conditions.", mode=mode))
        if place.depth >= MAX_DEPTH:
            raise place.error(_("groups may be nested %(max)d deep at most.", max=MAX_DEPTH))
        inner = negated is not (mode == "none")
        parts = [self.node(member, place.member(mode, index), negated=inner) for index, member in enumerate(members)]
        # none = all of the opposites; the opposite of all = any of the opposites, and the other way round.
        conjunction = (mode != "any") is not negated
        return and_(true(), *parts) if conjunction else or_(false(), *parts)

    def _condition(self, leaf: Leaf, place: Place, *, negated: bool) -> ColumnElement[bool]:
        try:
            count(self.context, 1)
            verdict = kind_of(leaf).verdict(leaf, self.context)
        except SegmentError:
            raise
        except InvalidInput as error:
            raise place.error(str(error)) from None
        return verdict.no if negated else verdict.yes
