"""Merge tags: Liquid in a sandbox, and the fields it may name.

Marketers write ``{{ contact.first_name | default: "there" }}``. Only plain data is reachable, loops, output and
memory are bounded, and every value is escaped by where it stands (``Escape``), so a tag cannot turn it off.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache, partial
from urllib.parse import quote

from liquid import BoundTemplate, Environment
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.filters import array, math, misc, string
from liquid.builtin.tags import (
    assign_tag,
    case_tag,
    comment_tag,
    for_tag,
    if_tag,
    unless_tag,
)
from liquid.context import RenderContext
from liquid.exceptions import FilterArgumentError, LiquidError
from liquid.stringify import to_liquid_string

from app.core import clock
from app.mail.errors import DesignError

Value = str | int | float | Decimal | bool | date | datetime | None | tuple[str, ...]
Values = Mapping[str, Value]

URL_FIELDS = frozenset({"unsubscribe_url", "preferences_url", "view_url", "stay_url"})
SHARED_FIELDS = URL_FIELDS | {"postal_address", "why", "campaign.name", "answer_days"}
_BLOCK_TAG = re.compile(r"\{%-?\s*((?:end)?(?:if|unless|case|for|comment))\b.*?%\}", re.S)
_MAX_TEXT = 100_000
_DATE_FORMAT = re.compile(r"(?:[^%]|%[-_0^#]?[A-Za-z%]){0,64}")


# What a filter may raise when a person's value is not what it expects.
_RENDER_ERRORS = (LiquidError, ValueError, TypeError, ArithmeticError, AttributeError)


def _reason(error: Exception) -> str:
    return str(error.message if isinstance(error, LiquidError) else error).rstrip(".")


class Escape(StrEnum):
    """Where a value stands, and so how it is made harmless."""

    HTML = "html"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Fields:
    """The merge fields a design may name. ``contact`` and ``brand`` hold names without prefix; None allows any."""

    contact: frozenset[str] | None = None
    brand: frozenset[str] | None = None
    extra: frozenset[str] = field(default_factory=frozenset)
    urls: frozenset[str] = URL_FIELDS

    @classmethod
    def any(cls) -> Fields:
        """Return a catalogue that accepts every contact and brand field."""
        return cls()

    def knows(self, name: str) -> bool:
        """Tell whether ``name`` (dotted) may stand in a merge tag."""
        root, _, rest = name.partition(".")
        if root in ("contact", "brand"):
            names = self.contact if root == "contact" else self.brand
            return bool(rest) and (names is None or rest in names)
        return name in SHARED_FIELDS or name in self.extra or name in self.urls

    def listing(self) -> str:
        """Return the known names for an error message."""
        names = [f"contact.{n}" for n in sorted(self.contact)] if self.contact is not None else ["contact.<field>"]
        names += [f"brand.{n}" for n in sorted(self.brand)] if self.brand is not None else ["brand.<field>"]
        return ", ".join(names + sorted(SHARED_FIELDS | self.extra | self.urls))


class _EscapedOutput(output.OutputNode):
    """An output statement that always escapes: template authors cannot mark a value as safe."""

    def render_to_output(self, context: RenderContext, buffer: object) -> int:
        text = to_liquid_string(self.expression.evaluate(context), False)
        return int(buffer.write(html.escape(text)))  # type: ignore[attr-defined]


class _HtmlOutput(output.Output):
    node_class = _EscapedOutput


def _keep_small(length: int) -> None:
    """Refuse a text so long that a row of filters, or two long strings, could fill the memory."""
    if length > _MAX_TEXT:
        raise FilterArgumentError("the text would become too long", token=None)


def _bounded_replace(value: object, old: object = "", new: object = "", *, original: Callable[..., str]) -> str:
    text, out = to_liquid_string(value, False), to_liquid_string(new, False)
    _keep_small(len(text) * (len(out) + 1))
    return original(text, to_liquid_string(old, False), out)


def _bounded_add(value: object, more: object, *, original: Callable[..., str]) -> str:
    text, added = to_liquid_string(value, False), to_liquid_string(more, False)
    _keep_small(len(text) + len(added))
    return original(text, added)


def _bounded_join(value: object, separator: object = " ", *, environment: Environment) -> str:
    parts = [to_liquid_string(part, False) for part in value] if isinstance(value, list | tuple) else []
    between = to_liquid_string(separator, False)
    _keep_small(sum(map(len, parts)) + len(parts) * len(between))
    return str(array.join(value, between, environment=environment))


def _date(value: object, fmt: object = "%Y-%m-%d", *, environment: Environment) -> str:
    """Format a date; ``now`` is our clock, and strftime's field widths (a memory bomb) are refused."""
    if not _DATE_FORMAT.fullmatch(str(fmt)):
        raise FilterArgumentError(f"the date format {fmt!r} is not allowed", token=None)
    if value in ("now", "today"):
        value = clock.now()
    return str(misc.date(value, str(fmt), environment=environment)) if value not in (None, "") else ""


def _same(value: object) -> object:
    return value


def _url_encode(value: object) -> str:
    return quote(to_liquid_string(value, False), safe="")


_FILTERS: dict[str, Callable[..., object]] = {
    "default": misc.default,
    "size": misc.size,
    "escape": _same,  # escaping happens on output, once
    "escape_once": _same,
    "url_encode": _url_encode,
    "replace": partial(_bounded_replace, original=string.replace),
    "replace_first": partial(_bounded_replace, original=string.replace_first),
    **{
        name: getattr(string, name)
        for name in [
            "capitalize",
            "downcase",
            "lstrip",
            "remove",
            "remove_first",
            "rstrip",
            "split",
            "squish",
            "strip",
            "strip_newlines",
            "truncate",
            "truncatewords",
            "upcase",
        ]
    },
    "append": partial(_bounded_add, original=string.append),
    "prepend": partial(_bounded_add, original=string.prepend),
    "slice": string.slice_,
    "first": array.first,
    "last": array.last,
    "abs": math.abs_,
    "round": math.round_,
    **{
        name: getattr(math, name)
        for name in ["at_least", "at_most", "ceil", "divided_by", "floor", "minus", "modulo", "plus", "times"]
    },
}
_TAGS = (
    content.Literal,
    illegal.Illegal,
    if_tag.IfTag,
    unless_tag.UnlessTag,
    case_tag.CaseTag,
    for_tag.ForTag,
    for_tag.BreakTag,
    for_tag.ContinueTag,
    assign_tag.AssignTag,
    comment_tag.CommentTag,
)
TAG_NAMES = "if, unless, case, for, assign, comment"


FILTER_NAMES = frozenset(_FILTERS) | {"date", "join"}


class _Sandbox(Environment):
    loop_iteration_limit = 1_000
    local_namespace_limit = 20_000
    output_stream_limit = 1_000_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        del extra
        for tag in _TAGS:
            self.add_tag(tag)
        for name, function in _FILTERS.items():
            self.add_filter(name, function)
        self.add_filter("date", partial(_date, environment=self))
        self.add_filter("join", partial(_bounded_join, environment=self))


def _environment(escape: Escape) -> Environment:
    env = _Sandbox()
    env.add_tag(_HtmlOutput if escape is Escape.HTML else output.Output)
    return env


_ENVIRONMENTS = {escape: _environment(escape) for escape in Escape}


def parse(source: str, escape: Escape = Escape.HTML) -> BoundTemplate:
    """Parse Liquid. Raises DesignError with the place in ``source``."""
    try:
        return _ENVIRONMENTS[escape].from_string(source)
    except LiquidError as error:
        raise _design_error(error, source) from error
    except RecursionError as error:
        raise DesignError("The conditions are nested too deeply.") from error


def check(source: str, fields: Fields) -> frozenset[str]:
    """Check all merge tags in ``source`` and return the fields they name. Raises DesignError with line and column."""
    analysis = parse(source).analyze()
    for filter_, spans in analysis.filters.items():
        if filter_ not in FILTER_NAMES:
            line, column = place(source, spans[0].index)
            known = ", ".join(sorted(FILTER_NAMES))
            raise DesignError(f"Merge tag: unknown filter “{filter_}”. Known: {known}.", line=line, column=column)
    names: set[str] = set()
    for found in analysis.globals.values():
        for variable in found:
            name = ".".join(str(segment) for segment in variable.segments)
            if not fields.knows(name):
                line, column = place(source, variable.span.index)
                raise DesignError(
                    f"There is no merge field “{name}”. Known fields: {fields.listing()}.", line=line, column=column
                )
            names.add(name)
    return frozenset(names)


def variables(source: str) -> frozenset[str]:
    """Return the fields that ``source`` names."""
    return frozenset(
        ".".join(str(s) for s in v.segments) for found in parse(source).analyze().globals.values() for v in found
    )


def place(source: str, index: int) -> tuple[int, int]:
    """Return line and column (from 1) of a character position."""
    index = max(0, min(index, len(source)))
    return source.count("\n", 0, index) + 1, index - source.rfind("\n", 0, index)


def _design_error(error: LiquidError, source: str) -> DesignError:
    line, column = place(source, error.token.start_index) if error.token is not None else (0, 0)
    problem = str(error.message).rstrip(".")
    if "expected tag end" in problem and (opened := _unclosed(source)) is not None:
        line, column = place(source, opened.start())
        problem = f"{{% {opened.group(1)} … %}} is never closed: add {{% end{opened.group(1)} %}}"
    if "unexpected tag" in problem or "unknown tag" in problem:
        problem += f" (the tags that may be used: {TAG_NAMES})"
    return DesignError(f"Merge tag: {problem}.", line=line, column=column)


def _unclosed(source: str) -> re.Match[str] | None:
    """Return the innermost block tag without its end."""
    opened: list[re.Match[str]] = []
    for tag in _BLOCK_TAG.finditer(source):
        if not tag.group(1).startswith("end"):
            opened.append(tag)
        elif opened:
            opened.pop()
    return opened[-1] if opened else None


@lru_cache(maxsize=4096)
def _template(source: str, escape: Escape) -> BoundTemplate:
    return parse(source, escape)


def render(source: str, values: Values, escape: Escape) -> str:
    """Render ``source`` for one person; ``values`` have dotted names. Raises DesignError when a limit is passed."""
    return render_nested(source, nest(values), escape)


def render_nested(source: str, nested: Mapping[str, object], escape: Escape) -> str:
    """Like ``render``, for values already nested by ``nest`` (many fragments of one message share them)."""
    try:
        return str(_template(source, escape).render(nested))
    except LiquidError as error:
        raise _design_error(error, source) from error
    except _RENDER_ERRORS as error:
        raise DesignError(f"Merge tag: {_reason(error)}.") from error


def nest(values: Values) -> dict[str, object]:
    """Turn ``{"contact.city": "Lyon"}`` into ``{"contact": {"city": "Lyon"}}``, as Liquid looks names up.

    None is the same as absent.
    """
    nested: dict[str, object] = {}
    for name, value in values.items():
        if value is None:
            continue
        plain = list(value) if isinstance(value, tuple) else value
        root, _, rest = name.partition(".")
        if not rest:
            nested[root] = plain
            continue
        group = nested.setdefault(root, {})
        if isinstance(group, dict):
            group[rest] = plain
    return nested


Evaluate = Callable[[Values], str]


def compile_output(source: str) -> tuple[str, Evaluate] | None:
    """Compile one ``{{ field | filter: literal }}`` to a function that calls Liquid's own filters directly.

    Returns the field's name and the function from values to unescaped text, or None when the tag needs the
    whole of Liquid (a path with an index, a filter whose argument is a field).
    """
    nodes = parse(source, Escape.TEXT).nodes
    if len(nodes) != 1 or not isinstance(nodes[0], output.OutputNode):
        return None
    expression = nodes[0].expression
    if not isinstance(expression, FilteredExpression) or not isinstance(expression.left, Path):
        return None
    segments = [segment for segment in expression.left.path if isinstance(segment, str)]
    if len(segments) != len(expression.left.path):
        return None
    name = ".".join(segments)
    steps = [_step(f) for f in expression.filters or ()]
    if any(step is None for step in steps):
        return None
    return name, _evaluator(name, [step for step in steps if step is not None])


def _step(filter_: object) -> Callable[[object], object] | None:
    arguments = filter_.args or []  # type: ignore[attr-defined]
    if any(variables("{{ x | default: " + str(a.value) + " }}") - {"x"} for a in arguments):
        return None
    name = filter_.name  # type: ignore[attr-defined]
    env = _ENVIRONMENTS[Escape.TEXT]
    context = RenderContext(env.from_string(""))
    function = env.filters[name]
    if getattr(function, "with_context", False):
        return None
    extra = {"environment": env} if getattr(function, "with_environment", False) else {}
    positional, keyword = filter_.evaluate_args(context)  # type: ignore[attr-defined]
    return lambda value: function(value, *positional, **keyword, **extra)


def _evaluator(name: str, steps: Iterable[Callable[[object], object]]) -> Evaluate:
    steps = tuple(steps)
    absent = _ENVIRONMENTS[Escape.TEXT].undefined(name)

    def plain(values: Values) -> str:
        value = values.get(name)
        if value.__class__ is str:
            return str(value)
        return to_liquid_string(list(value) if isinstance(value, tuple) else value, False)

    def filtered(values: Values) -> str:
        value: object = values.get(name)
        if value is None:
            value = absent
        elif isinstance(value, tuple):
            value = list(value)
        try:
            for step in steps:
                value = step(value)
        except _RENDER_ERRORS as error:
            raise DesignError(f"Merge tag {{{{ {name} }}}}: {_reason(error)}.") from error
        return to_liquid_string(value, False)

    return filtered if steps else plain


__all__ = [
    "URL_FIELDS",
    "Escape",
    "Fields",
    "Value",
    "Values",
    "check",
    "compile_output",
    "nest",
    "parse",
    "place",
    "render",
    "variables",
]
