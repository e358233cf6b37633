import Alpine from "@alpinejs/csp";
import "@tabler/core/dist/js/tabler.esm.min.js";
import htmx from "htmx.org/dist/htmx.esm.js";
import components from "components";

// The Content-Security-Policy allows neither eval nor inline styles.
Object.assign(htmx.config, {
  allowEval: false,
  includeIndicatorStyles: false,
  scrollBehavior: "smooth",
  // The server answers htmx with a fragment on errors too: a form with its errors (422), or a note for #toasts.
  responseHandling: [
    { code: "204", swap: false },
    { code: "[23]..", swap: true },
    { code: "[45]..", swap: true, error: true },
  ],
});

function offline() {
  const note = document.getElementById("offline-note");
  if (note) document.getElementById("toasts").replaceChildren(note.content.cloneNode(true));
}
document.addEventListener("htmx:sendError", offline);
document.addEventListener("htmx:timeout", offline);

// Heavy parts come only to the pages that use them.
function load(root) {
  if (root.querySelector("[data-chart]")) import("./charts.js").then((charts) => charts.draw(root));
  if (root.querySelector("[data-work]")) import("./challenge.js").then((challenge) => challenge.mount(root));
  if (root.querySelector("[data-mjml-editor]")) import("./mjml-editor.js").then((editor) => editor.mount(root));
}
document.addEventListener("htmx:load", (event) => load(event.detail.elt.parentElement ?? document));

for (const component of components) component.register(Alpine);
window.htmx = htmx;
Alpine.start();
load(document);
