// Behaviour of the customer base.
export function register(Alpine) {
  // x-data="fileDrop": a file dropped anywhere on the area becomes the choice of the input x-ref="file".
  Alpine.data("fileDrop", () => ({
    state: "",
    over() {
      this.state = "border-primary bg-primary-lt";
    },
    out() {
      this.state = "";
    },
    drop(event) {
      this.state = "";
      if (event.dataTransfer.files.length) this.$refs.file.files = event.dataTransfer.files;
    },
  }));

  // x-data="basis": shows what the chosen legal basis asks for, and nothing of the others.
  Alpine.data("basis", () => ({
    init() {
      this.show();
    },
    show() {
      const chosen = this.$root.querySelector("[name=basis]").value;
      for (const part of this.$root.querySelectorAll("[data-basis]")) part.hidden = part.dataset.basis !== chosen;
    },
  }));
}
