// Images that are pasted go the way of those that are chosen; too many or too large ones stay here.
(function () {
  document.addEventListener("paste", (event) => {
    const input = document.querySelector("#upload input[type=file]");
    const files = Array.from(event.clipboardData ? event.clipboardData.files : []);
    if (!input || files.length === 0) return;
    const transfer = new DataTransfer();
    files.filter((file) => file.type.startsWith("image/")).forEach((file) => transfer.items.add(file));
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });

  // The field for files comes without a name, and whenever its page is opened.
  new MutationObserver(() => {
    const input = document.querySelector("#upload input[type=file]:not([aria-label])");
    if (input) input.setAttribute("aria-label", "Images to classify");
  }).observe(document.documentElement, { childList: true, subtree: true });

  window.dash_clientside.reslab = {
    ...window.dash_clientside.reslab,
    take_images(contents, names, limits) {
      const { no_update } = window.dash_clientside;
      if (!contents || contents.length === 0) return [no_update, no_update];
      // In base64 four characters hold three bytes.
      const sizes = contents.map((one) => (one.length * 3) / 4);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      if (contents.length > limits.count || total > limits.all || Math.max(...sizes) > limits.each) {
        return [no_update, `Too many images, or too large ones. ${limits.words}`];
      }
      return [{ contents, names }, ""];
    },
  };
})();
