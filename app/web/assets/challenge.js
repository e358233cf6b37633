// The work that a flooded form asks for (work.js): done unseen while the visitor types, put into the form before it is sent.
import { solve } from "./work.js";

export function mount(root) {
  for (const form of root.querySelectorAll("form[data-work]")) {
    const answer = form.elements.namedItem("work");
    const done = solve(form.elements.namedItem("form_token").value, Number(form.dataset.work)).then(
      (number) => (answer.value = number),
      () => {}, // no cryptography here (plain http): the server lets the visitor wait instead
    );
    form.addEventListener("submit", (event) => {
      if (answer.value || form.dataset.tried) return;
      event.preventDefault();
      const { submitter } = event;
      done.then(() => {
        form.dataset.tried = "yes";
        form.requestSubmit(submitter);
      });
    });
  }
}
