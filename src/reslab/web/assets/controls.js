// Buttons that stay pressed, and a notice that goes away.
(function () {
  const NOTICE_MILLISECONDS = 12000;
  let fading;

  window.dash_clientside.reslab = {
    ...window.dash_clientside.reslab,
    toggle(_clicks, ids, chosen, kind) {
      const context = window.dash_clientside.callback_context;
      const { no_update } = window.dash_clientside;
      if (!context.triggered.some((one) => one.value)) return [no_update, ids.map(() => no_update)];
      const pressed = context.triggered_id.value;
      let next = pressed;
      if (kind === "many") {
        next = chosen.includes(pressed) ? chosen.filter((one) => one !== pressed) : [...chosen, pressed];
      }
      const all = [].concat(next);
      return [next, ids.map((id) => String(all.includes(id.value)))];
    },
    fade(message) {
      clearTimeout(fading);
      const clear = () => window.dash_clientside.set_props("notice", { children: "" });
      if (message) fading = setTimeout(clear, NOTICE_MILLISECONDS);
      return window.dash_clientside.no_update;
    },
  };
})();
