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
}
