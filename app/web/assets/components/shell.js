// Behaviour of the shell: theme, copying, dialogs, fields that depend on each other.
export function register(Alpine) {
  // x-data="theme": a button that switches between light and dark and keeps the choice.
  Alpine.data("theme", () => ({
    toggle() {
      const root = document.documentElement;
      const next = root.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
      root.setAttribute("data-bs-theme", next);
      try {
        localStorage.setItem("theme", next);
      } catch {
        // storage is closed: the choice holds for this page
      }
      document.dispatchEvent(new CustomEvent("theme"));
    },
  }));

  // x-data="copy": puts the text of x-ref="text" (or its value) into the clipboard and says so for a moment.
  Alpine.data("copy", () => ({
    done: false,
    get idle() {
      return !this.done;
    },
    async copy() {
      const text = this.$refs.text;
      try {
        await navigator.clipboard.writeText(text.value ?? text.textContent);
      } catch {
        // no clipboard (plain http): select, so that Ctrl-C does it
        getSelection().selectAllChildren(text);
        return;
      }
      this.done = true;
      setTimeout(() => (this.done = false), 2000);
    },
  }));

  // x-data="dialog": x-ref="dialog" is a <dialog>; open() and close() do that, modally.
  Alpine.data("dialog", () => ({
    open() {
      this.$refs.dialog.showModal();
    },
    close() {
      this.$refs.dialog.close();
    },
    backdrop(event) {
      if (event.target === this.$refs.dialog) this.close();
    },
  }));

  // x-data="toast": a note that goes away by itself, unless somebody reads it with the pointer or the keyboard.
  Alpine.data("toast", () => ({
    timer: null,
    init() {
      this.wait();
    },
    wait() {
      this.timer = setTimeout(() => this.close(), 8000);
    },
    stay() {
      clearTimeout(this.timer);
    },
    close() {
      this.$root.remove();
    },
  }));

  // x-data="once": a form that is sent once, however often its button is pressed.
  Alpine.data("once", () => ({
    sent: false,
    send(event) {
      if (this.sent) event.preventDefault();
      this.sent = true;
      setTimeout(() => (this.sent = false), 8000);
    },
  }));
}
