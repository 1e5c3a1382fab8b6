// What cells of the tables show; numbers themselves stay numbers, to be sorted and filtered.
(function () {
  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});

  functions.reslabAge = (seconds) => {
    const age = Math.max(0, Date.now() / 1000 - seconds);
    const [size, unit] = UNITS.find(([size]) => age >= size) || [1, "s"];
    return `${Math.floor(age / size)} ${unit}`;
  };
  functions.reslabNumber = (value) => (value === null || value === undefined ? "" : value.toLocaleString("en"));
  functions.reslabFixed = (value) => (value === null || value === undefined ? "" : value.toFixed(2));
  functions.reslabSteps = (row) =>
    row.steps ? `${row.step.toLocaleString("en")} of ${row.steps.toLocaleString("en")}` : "";

  window.dash_clientside.reslab = {
    ...window.dash_clientside.reslab,
    names_of(rows) {
      return (rows || []).map((row) => row.name);
    },
    search(text) {
      const grid = window.dash_ag_grid.getApi("runs");
      if (grid) grid.setGridOption("quickFilterText", text || "");
      return window.dash_clientside.no_update;
    },
    refresh_ages(ticks) {
      if (ticks % 15 === 0) {
        const grid = window.dash_ag_grid.getApi("runs");
        if (grid) grid.refreshCells({ columns: ["updated_at"], force: true });
      }
      return window.dash_clientside.no_update;
    },
  };
})();
