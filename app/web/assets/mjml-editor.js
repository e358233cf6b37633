// The code editor for MJML: completion, merge tags in colour, and what the server finds wrong, at its line.
import { autocompletion } from "@codemirror/autocomplete";
import { xml } from "@codemirror/lang-xml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { Decoration, EditorView, MatchDecorator, ViewPlugin } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";

const BOX = "background-color border border-radius padding padding-top padding-bottom padding-left padding-right css-class mj-class";
const TEXT = "align color font-family font-size font-style font-weight letter-spacing line-height text-decoration text-transform";
const SCHEMA = {
  mjml: ["lang dir", "mj-head mj-body"],
  "mj-head": ["", "mj-title mj-preview mj-attributes mj-style mj-breakpoint mj-font"],
  "mj-title": ["", ""],
  "mj-preview": ["", ""],
  "mj-attributes": ["", "mj-all mj-class mj-text mj-button mj-section mj-column mj-image mj-divider"],
  "mj-all": [`${BOX} ${TEXT}`, ""],
  "mj-class": [`name ${BOX} ${TEXT}`, ""],
  "mj-style": ["inline", ""],
  "mj-breakpoint": ["width", ""],
  "mj-font": ["name href", ""],
  "mj-body": ["background-color width css-class", "mj-section mj-wrapper mj-hero mj-raw"],
  "mj-wrapper": [`full-width background-url text-align ${BOX}`, "mj-section mj-hero mj-raw"],
  "mj-section": [`full-width direction text-align background-url background-size background-repeat ${BOX}`, "mj-column mj-group mj-raw"],
  "mj-group": ["width vertical-align direction background-color css-class", "mj-column"],
  "mj-column": [
    `width vertical-align inner-border inner-border-radius inner-background-color ${BOX}`,
    "mj-text mj-button mj-image mj-divider mj-spacer mj-table mj-social mj-navbar mj-accordion mj-carousel mj-raw",
  ],
  "mj-hero": [`mode height width vertical-align background-url background-width background-height ${BOX}`, "mj-text mj-button mj-image mj-divider mj-spacer mj-raw"],
  "mj-text": [`height ${BOX} ${TEXT}`, "a b br em h1 h2 h3 i li ol p span strong ul"],
  "mj-button": [`href rel target title name width height inner-padding vertical-align ${BOX} ${TEXT}`, ""],
  "mj-image": [`src alt href width height title target rel align srcset sizes fluid-on-mobile ${BOX}`, ""],
  "mj-divider": [`border-color border-style border-width width align container-background-color ${BOX}`, ""],
  "mj-spacer": ["height container-background-color css-class", ""],
  "mj-table": [`cellpadding cellspacing width table-layout ${BOX} ${TEXT}`, "tr td th"],
  "mj-social": [`mode icon-size icon-height icon-padding inner-padding ${BOX} ${TEXT}`, "mj-social-element"],
  "mj-social-element": [`name href src alt title target icon-size ${BOX} ${TEXT}`, ""],
  "mj-navbar": ["align base-url hamburger", "mj-navbar-link"],
  "mj-navbar-link": [`href ${TEXT}`, ""],
  "mj-accordion": [BOX, "mj-accordion-element"],
  "mj-accordion-element": [BOX, "mj-accordion-title mj-accordion-text"],
  "mj-carousel": [BOX, "mj-carousel-image"],
  "mj-carousel-image": ["src alt href", ""],
  "mj-raw": ["", ""],
};
const words = (text) => text.split(" ").filter(Boolean);
const elements = Object.entries(SCHEMA).map(([name, [attributes, children]]) => ({
  name,
  top: name === "mjml",
  attributes: words(attributes).map((attribute) => ({ name: attribute })),
  children: words(children),
}));

const merge = new MatchDecorator({ regexp: /\{\{.*?\}\}|\{%.*?%\}/g, decoration: Decoration.mark({ class: "cm-merge" }) });
const mergeTags = ViewPlugin.fromClass(
  class {
    constructor(view) {
      this.marks = merge.createDeco(view);
    }
    update(update) {
      this.marks = merge.updateDeco(update, this.marks);
    }
  },
  { decorations: (plugin) => plugin.marks },
);

// After {{ the names of the merge fields are offered.
const mergeFields = (fields) => (context) => {
  const typed = context.matchBefore(/\{\{\s*[\w.]*/);
  if (!typed) return null;
  const name = typed.text.match(/[\w.]*$/)[0];
  const closed = context.state.sliceDoc(context.pos, context.pos + 3).includes("}}");
  return {
    from: context.pos - name.length,
    options: fields.map((field) => ({ label: field, type: "variable", apply: closed ? field : `${field} }}` })),
  };
};

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", backgroundColor: "var(--tblr-bg-surface)", color: "var(--tblr-body-color)" },
  ".cm-scroller": { fontFamily: "var(--tblr-font-monospace)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--tblr-body-color)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  ".cm-gutters": { backgroundColor: "var(--tblr-bg-surface-secondary)", color: "var(--tblr-secondary-color)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklab, var(--tblr-primary) 7%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in oklab, var(--tblr-primary) 24%, transparent) !important" },
  ".cm-merge": { backgroundColor: "color-mix(in oklab, var(--light) 20%, transparent)", borderRadius: "3px", padding: "0 2px" },
  ".cm-tooltip": { backgroundColor: "var(--tblr-bg-surface)", color: "var(--tblr-body-color)", border: "1px solid var(--tblr-border-color)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--tblr-primary)", color: "var(--tblr-primary-fg)" },
  ".cm-panels": { backgroundColor: "var(--tblr-bg-surface-secondary)", color: "var(--tblr-body-color)" },
});
const colours = HighlightStyle.define([
  { tag: tags.tagName, color: "var(--tblr-link-color)" },
  { tag: tags.angleBracket, color: "var(--tblr-secondary-color)" },
  { tag: tags.attributeName, color: "light-dark(#5a4a9c, #b7a9f0)" },
  { tag: tags.attributeValue, color: "light-dark(#9a4a12, #f0b07a)" },
  { tag: [tags.comment, tags.processingInstruction], color: "var(--tblr-secondary-color)", fontStyle: "italic" },
  { tag: tags.character, color: "light-dark(#9a4a12, #f0b07a)" },
]);

// Ask the server what is wrong: {"problems": [{"line", "column", "message", "severity"}]}, lines and columns from 1.
const problems = (url) => async (view) => {
  const token = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  const body = new URLSearchParams({ mjml: view.state.doc.toString() });
  const answer = await fetch(url, { method: "POST", body, headers: token });
  if (!answer.ok) return [];
  const { problems: found } = await answer.json();
  return found.map(({ line, column, message, severity }) => {
    const at = view.state.doc.line(Math.min(Math.max(line || 1, 1), view.state.doc.lines));
    const from = Math.min(at.from + Math.max((column || 1) - 1, 0), at.to);
    return { from, to: Math.max(from, at.to), message, severity: severity ?? "error" };
  });
};

export function mount(root) {
  for (const holder of root.querySelectorAll("[data-mjml-editor]:not([data-mounted])")) {
    holder.dataset.mounted = "";
    const textarea = holder.querySelector("textarea");
    const { lintUrl, fields, nonce } = holder.dataset;
    const language = xml({ elements });
    const view = new EditorView({
      parent: holder,
      state: EditorState.create({
        doc: textarea.value,
        extensions: [
          basicSetup,
          language,
          language.language.data.of({ autocomplete: mergeFields(JSON.parse(fields || "[]")) }),
          autocompletion({ icons: false }),
          mergeTags,
          look,
          syntaxHighlighting(colours),
          EditorView.lineWrapping,
          EditorView.cspNonce.of(nonce ?? ""),
          EditorView.contentAttributes.of({ tabindex: "0", "aria-label": textarea.getAttribute("aria-label") ?? "MJML" }),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged) return;
            textarea.value = update.state.doc.toString();
            textarea.dispatchEvent(new Event("input", { bubbles: true }));
          }),
          ...(lintUrl ? [lintGutter(), linter(problems(lintUrl), { delay: 600 })] : []),
        ],
      }),
    });
    textarea.hidden = true;
    holder.classList.add("mjml-editor");
    // Other parts of the page (inserting a merge tag, a starter design) speak to the editor by this event.
    holder.addEventListener("mjml:insert", (event) => {
      view.dispatch(view.state.replaceSelection(event.detail));
      view.focus();
    });
    holder.addEventListener("mjml:replace", (event) => {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: event.detail } });
    });
  }
}
