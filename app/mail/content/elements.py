"""What MJML knows: which element may stand where, with which attributes (mjml.io/documentation)."""

from __future__ import annotations

from functools import lru_cache

from mjml.core.registry import register_core_components

# Their content is HTML or text, not MJML.
CONTENT = frozenset(
    [
        "mj-text",
        "mj-button",
        "mj-table",
        "mj-raw",
        "mj-title",
        "mj-preview",
        "mj-style",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-social-element",
        "mj-navbar-link",
        "mj-html-attribute",
    ]
)
HTML_CONTENT = CONTENT - {"mj-title", "mj-preview", "mj-style", "mj-html-attribute"}
_LEAVES = [
    "mj-text",
    "mj-button",
    "mj-image",
    "mj-divider",
    "mj-spacer",
    "mj-table",
    "mj-social",
    "mj-navbar",
    "mj-carousel",
    "mj-accordion",
]
CHILDREN: dict[str, frozenset[str]] = {
    "": frozenset({"mjml"}),
    "mjml": frozenset({"mj-head", "mj-body"}),
    "mj-head": frozenset(
        [
            "mj-attributes",
            "mj-breakpoint",
            "mj-font",
            "mj-html-attributes",
            "mj-preview",
            "mj-style",
            "mj-title",
            "mj-raw",
        ]
    ),
    "mj-html-attributes": frozenset({"mj-selector"}),
    "mj-selector": frozenset({"mj-html-attribute"}),
    "mj-body": frozenset({"mj-section", "mj-wrapper", "mj-hero", "mj-raw"}),
    "mj-wrapper": frozenset({"mj-section", "mj-hero", "mj-raw"}),
    "mj-section": frozenset({"mj-column", "mj-group", "mj-raw"}),
    "mj-group": frozenset({"mj-column", "mj-raw"}),
    "mj-column": frozenset([*_LEAVES, "mj-raw"]),
    "mj-hero": frozenset([*_LEAVES, "mj-raw"]),
    "mj-accordion": frozenset({"mj-accordion-element"}),
    "mj-accordion-element": frozenset({"mj-accordion-title", "mj-accordion-text"}),
    "mj-carousel": frozenset({"mj-carousel-image"}),
    "mj-navbar": frozenset({"mj-navbar-link"}),
    "mj-social": frozenset({"mj-social-element"}),
}
# A merge condition may stand between the children of these.
CONDITIONS_IN = frozenset({"mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"})
_EXTRA: dict[str, frozenset[str]] = {
    "mjml": frozenset({"lang", "dir", "owa", "version"}),
    "mj-all": frozenset(),
    "mj-class": frozenset({"name"}),
    "mj-selector": frozenset({"path"}),
    "mj-html-attribute": frozenset({"name"}),
    "mj-raw": frozenset({"position"}),
    "mj-style": frozenset({"inline"}),
    "mj-body": frozenset({"id", "title"}),
    "mj-button": frozenset({"title"}),
    "mj-carousel": frozenset({"thumbnails"}),
    "mj-hero": frozenset({"css-class"}),
    "mj-table": frozenset({"container-background-color"}),
    "mj-wrapper": frozenset({"gap"}),
}
_EVERYWHERE = frozenset({"css-class", "mj-class"})


@lru_cache(maxsize=1)
def attributes() -> dict[str, frozenset[str]]:
    """Return the attributes each element may have."""
    components = register_core_components()
    known = {
        name: frozenset(component.allowed_attrs()) | frozenset(component.default_attrs())
        for name, component in components.items()
        if name != "mj-include"
    }
    for name, extra in _EXTRA.items():
        known[name] = known.get(name, frozenset()) | extra
    head = {"mjml", *CHILDREN["mj-head"], "mj-head", "mj-html-attributes", "mj-selector", "mj-html-attribute"}
    result = {name: names if name in head else names | _EVERYWHERE for name, names in known.items()}
    result["mj-head"] = result["mj-attributes"] = frozenset()
    result["mj-all"] = frozenset().union(*result.values()) | {"name"}
    result["mj-class"] = result["mj-all"]
    result["mj-selector"], result["mj-html-attribute"] = frozenset({"path"}), frozenset({"name"})
    return result


@lru_cache(maxsize=1)
def measures() -> dict[str, frozenset[str]]:
    """Return the attributes of each element whose value is one or more lengths."""
    return {
        name: frozenset(attr for attr, kind in component.allowed_attrs().items() if str(kind).startswith("unit"))
        for name, component in register_core_components().items()
    }


VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
CLOSES_ITSELF = frozenset(["p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "dt", "dd", "option"])
FORBIDDEN_HTML = frozenset(["script", "iframe", "object", "embed", "applet", "form", "frame", "frameset", "base"])
