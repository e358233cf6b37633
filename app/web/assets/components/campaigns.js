// The content page of a campaign: the preview follows what is saved, merge fields go where one writes.
export function register(Alpine) {
  // x-data="mailPreview": x-ref="frame" is an <iframe data-url>; it is loaded anew when content was saved and compiles.
  Alpine.data("mailPreview", () => ({
    width: "desktop",
    dark: false,
    init() {
      this.listen = (event) => event.detail.ok && this.load();
      document.body.addEventListener("content-saved", this.listen);
    },
    destroy() {
      document.body.removeEventListener("content-saved", this.listen);
    },
    get frameClass() {
      return `${this.isPhone ? "mail-phone" : ""} ${this.dark ? "mail-dark" : ""}`;
    },
    get isPhone() {
      return this.width === "phone";
    },
    get isDesktop() {
      return this.width === "desktop";
    },
    get isText() {
      return this.width === "text";
    },
    phone() {
      this.show("phone");
    },
    desktop() {
      this.show("desktop");
    },
    text() {
      this.show("text");
    },
    darken() {
      this.dark = !this.dark;
    },
    show(width) {
      const reload = this.isText !== (width === "text");
      this.width = width;
      if (reload) this.load();
    },
    // replace() leaves no entry in the history, so that Back leaves the page.
    load() {
      const reader = document.querySelector("[name=reader]")?.value ?? "";
      const query = new URLSearchParams({ as: reader, part: this.isText ? "text" : "html" });
      this.$refs.frame.contentWindow.location.replace(`${this.$refs.frame.dataset.url}?${query}`);
    },
  }));

  // x-data="palette": buttons with data-field put a merge field where the cursor is, in the design or the subject.
  Alpine.data("palette", () => ({
    last: null,
    remember(event) {
      if (event.target.matches("[data-merge]")) this.last = event.target;
      else if (event.target.closest("[data-mjml-editor]")) this.last = null;
    },
    insert(event) {
      const tag = `{{ ${event.currentTarget.dataset.field} }}`;
      if (this.last) {
        this.last.setRangeText(tag, this.last.selectionStart, this.last.selectionEnd, "end");
        this.last.dispatchEvent(new Event("input", { bubbles: true }));
        this.last.focus();
      } else {
        this.$root.querySelector("[data-mjml-editor]").dispatchEvent(new CustomEvent("mjml:insert", { detail: tag }));
      }
    },
  }));
}
