// Light or dark: as the system says, unless one was chosen. Runs before anything is drawn.
(function () {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const choices = ["auto", "light", "dark"];

  function chosen() {
    const stored = window.localStorage.getItem("reslab-theme");
    return choices.includes(stored) ? stored : "auto";
  }

  function apply() {
    const choice = chosen();
    const theme = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    document.documentElement.dataset.theme = theme;
    document.documentElement.dataset.agThemeMode = theme;
  }

  dark.addEventListener("change", apply);
  apply();

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.reslab = {
    ...window.dash_clientside.reslab,
    switch_theme(clicks) {
      if (clicks) {
        const next = choices[(choices.indexOf(chosen()) + 1) % choices.length];
        window.localStorage.setItem("reslab-theme", next);
        apply();
      }
      return `Theme: ${chosen()}`;
    },
    name_page() {
      const here = document.querySelector("nav a.here");
      document.querySelectorAll("nav a").forEach((link) => link.removeAttribute("aria-current"));
      if (here) here.setAttribute("aria-current", "page");
      document.title = here ? `${here.textContent} · reslab` : "reslab";
      return window.dash_clientside.no_update;
    },
  };
})();
