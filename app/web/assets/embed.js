// The sign-up form on somebody else's site: no dependency, no cookie, nothing loaded but the form's texts.
//
//   <a href="https://mail.example/subscribe/home" data-permesso>Subscribe</a>
//   <script async src="https://mail.example/embed/home.js"></script>
//
// The link works without script; with it, the form takes its place, or opens over the page with data-show="popup":
// after data-after="8" seconds, at data-scroll="50" percent of the page, or with data-exit when the pointer leaves the
// window; once closed not again for data-again="30" days. data-lang, data-source and data-theme (light, dark, auto) may
// be given. Strict policies of the host site are met: it needs this origin in script-src and connect-src alone.
import styles from "./embed.css";
import { solve } from "./work.js";

const script = document.currentScript;
const place = new URL(script.src);
const slug = /\/embed\/([^/]+)\.js$/.exec(place.pathname)[1];
const address = new URL(slug, place).href;
const option = script.dataset;
const popup = option.show === "popup";
const link = script.previousElementSibling?.matches("[data-permesso]") ? script.previousElementSibling : null;
const host = document.createElement("div");
const root = host.attachShadow({ mode: "open" });

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null && value !== "") element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

async function ask(sent) {
  const query = new URLSearchParams({ lang: option.lang || document.documentElement.lang.slice(0, 2) });
  if (option.source) query.set("source", option.source);
  const answer = await fetch(`${address}?${query}`, sent ? { method: "POST", body: sent } : {});
  if (!answer.ok && answer.status !== 422) throw new Error(`${answer.status}`);
  return answer.json();
}

function error(form, name) {
  const text = form.errors?.[name];
  return text ? make("p", { class: "error", id: `error-${name}`, role: "alert" }, text) : null;
}

function field(form, name, label, attributes, typed) {
  const wrong = form.errors?.[name];
  const shared = { id: name, name, "aria-invalid": wrong ? "true" : null, "aria-describedby": wrong ? `error-${name}` : null };
  const input = attributes.choices
    ? make("select", shared, make("option", { value: "" }), ...attributes.choices.map((choice) => make("option", {}, choice)))
    : make("input", { ...shared, ...attributes });
  input.value = typed?.get(name) ?? "";
  return make("div", {}, make("label", { for: name }, label), input, error(form, name));
}

function box(name, value, text, detail, typed) {
  const input = make("input", { type: "checkbox", name, value, id: `${name}-${value}` });
  input.checked = typed?.getAll(name).includes(String(value)) ?? false;
  return make("label", { class: "box" }, input, make("span", {}, text, detail ? make("small", {}, detail) : ""));
}

// Old enough, or whose parent is to be asked? Where the brand wants to know.
function age(form, typed) {
  if (!form.age) return null;
  const choice = (value) => {
    const input = make("input", { type: "radio", name: "age", value });
    input.checked = typed?.get("age") === value;
    return make("label", { class: "box" }, input, make("span", {}, form.age[value]));
  };
  const parent = field(form, "parent", form.age.parent, { type: "email", autocomplete: "off", inputmode: "email", maxlength: 320 }, typed);
  return make("fieldset", {}, make("legend", {}, form.age.legend), choice("enough"), choice("younger"), error(form, "age"), parent);
}

// Was the address meant otherwise? Two buttons, and what was typed stays.
function doubt({ doubt: about }) {
  if (!about) return null;
  const button = (name, value, text, style) => make("button", { name, value, class: `choice ${style}` }, text);
  return make(
    "div",
    { role: "alert", id: "doubt" },
    make("p", {}, about.text),
    make("input", { type: "hidden", name: "doubted", value: about.typed }),
    about.suggestion ? button("use", about.suggestion, about.use, "") : "",
    button("keep", "yes", about.keep, "plain"),
  );
}

function notice(form) {
  const parts = form.notice.map((part) => make("p", {}, ...part.map(({ text, href }) => (href ? make("a", { href, rel: "noopener" }, text) : text))));
  return make("details", {}, make("summary", {}, form.say.who), ...parts);
}

// The whole form, with what was typed before when it comes back with errors.
function draw(form, typed) {
  const say = form.say;
  const topics = form.topics.map((topic) => box("topic", topic.id, topic.name, topic.description, typed));
  const button = make("button", { class: "send" }, say.send);
  const element = make(
    "form",
    { method: "post", novalidate: true, lang: form.lang },
    make("h2", { id: "title" }, form.title),
    form.intro ? make("p", {}, form.intro) : null,
    error(form, "form"),
    field(form, "email", say.email, { type: "email", autocomplete: "email", inputmode: "email", maxlength: 320, required: true, spellcheck: "false" }, typed),
    doubt(form),
    ...form.fields.map((one) => field(form, one.name, `${one.label} (${say.optional})`, { maxlength: 500, autocomplete: one.autocomplete, choices: one.choices }, typed)),
    age(form, typed),
    topics.length > 1 ? make("fieldset", {}, make("legend", {}, say.topics), ...topics, error(form, "topic")) : null,
    make("p", {}, form.consent),
    form.tracking ? box("tracking", "yes", `${form.tracking} (${say.optional})`, "", typed) : null,
    make("div", { class: "trap", "aria-hidden": "true" }, make("input", { name: form.trap, tabindex: "-1", autocomplete: "off", "aria-label": say.trap })),
    button,
    notice(form),
  );
  const work = form.work ? solve(form.token, form.work).catch(() => "") : null;
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    const sent = new URLSearchParams(new FormData(element, event.submitter));
    sent.set("form_token", form.token);
    sent.set("language", form.lang);
    if (work) sent.set("work", await work);
    try {
      const answer = await ask(sent);
      if (answer.taken) done(answer);
      else show(draw(answer, sent), "[aria-invalid], .error, #doubt");
    } catch {
      button.disabled = false;
      show(draw({ ...form, errors: { form: say.failed } }, sent), ".error");
    }
  });
  return element;
}

function show(content, focus) {
  root.querySelector("#content").replaceChildren(content);
  const found = focus && root.querySelector(focus);
  if (found) {
    if (!found.matches("input, select")) found.tabIndex = -1;
    found.focus();
  }
}

function done(answer) {
  remember(3650);
  if (answer.redirect) location.assign(answer.redirect);
  else show(make("div", { lang: answer.lang, role: "status", class: "done", tabindex: "-1" }, make("h2", { id: "title" }, answer.title), ...answer.text.map((text) => make("p", {}, text))), ".done");
}

// What was closed stays closed for some days. The browser keeps that, for this site alone; it tells nobody.
const key = `permesso:${slug}`;
function remember(days) {
  try {
    localStorage.setItem(key, String(Date.now() + days * 864e5));
  } catch {
    // storage is closed: it holds for this page
  }
}
function closedLately() {
  try {
    return Number(localStorage.getItem(key)) > Date.now();
  } catch {
    return false;
  }
}

function dress(inside) {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  root.adoptedStyleSheets = [sheet];
  root.append(inside);
  host.className = "permesso";
  host.dataset.theme = option.theme ?? "light";
}

function paint(form) {
  const own = new CSSStyleSheet();
  own.replaceSync(`:host{--colour:light-dark(${form.colour.join(",")})}`);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, own];
}

async function inline() {
  const form = await ask();
  dress(make("div", { class: "card", id: "content" }));
  paint(form);
  show(draw(form));
  if (link) link.replaceWith(host);
  else script.after(host);
}

let opened = false;
async function open(event) {
  if (opened) return;
  opened = true;
  event?.preventDefault();
  try {
    const form = await ask();
    const dialog = make("dialog", { class: "card", "aria-labelledby": "title" });
    dialog.append(make("button", { class: "close", type: "button", "aria-label": form.say.close, onclick: () => dialog.close() }, "×"), make("div", { id: "content" }));
    dialog.addEventListener("click", (clicked) => clicked.target === dialog && dialog.close());
    dialog.addEventListener("close", () => {
      if (!closedLately()) remember(Number(option.again ?? 30));
      opened = false;
      host.remove();
      root.replaceChildren();
    });
    dress(dialog);
    paint(form);
    show(draw(form));
    document.body.append(host);
    dialog.showModal();
  } catch {
    opened = false;
    if (event) location.assign(link.href);
  }
}

function wait() {
  link?.addEventListener("click", open);
  if (closedLately()) return;
  const once = () => !closedLately() && open();
  const scroll = Number(option.scroll);
  if (scroll)
    addEventListener("scroll", function far() {
      const whole = document.documentElement.scrollHeight - innerHeight;
      if (whole > 0 && (100 * scrollY) / whole < scroll) return;
      removeEventListener("scroll", far);
      once();
    }, { passive: true });
  if ("exit" in option)
    document.documentElement.addEventListener("mouseleave", function left(event) {
      if (event.clientY > 0) return;
      document.documentElement.removeEventListener("mouseleave", left);
      once();
    });
  if (option.after || !(scroll || "exit" in option)) setTimeout(once, 1000 * Number(option.after ?? 8));
}

if (popup) wait();
else inline().catch(() => {}); // the link stays
