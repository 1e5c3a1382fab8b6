// Figures as files, made in the browser: Plotly draws PNG and SVG, the data become CSV.
(function () {
  const INK = { paper_bgcolor: "white", plot_bgcolor: "white" };

  function download(content, type, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function rasterise(svg, name) {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      // Twice as fine, as far as a canvas goes.
      const scale = Math.min(2, 16000 / image.height);
      canvas.width = image.width * scale;
      canvas.height = image.height * scale;
      const pen = canvas.getContext("2d");
      pen.fillStyle = "white";
      pen.fillRect(0, 0, canvas.width, canvas.height);
      pen.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => download(blob, "image/png", name));
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  }

  function cell(value) {
    const text = value === null || value === undefined ? "" : String(value);
    // A name that begins like a formula stays text in a spreadsheet.
    const safe = /^[=+@\t\r]|^-[^\d.]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
  }

  // In a figure texts are written as HTML.
  function plain(value) {
    if (typeof value !== "string") return value;
    return new DOMParser().parseFromString(value, "text/html").body.textContent;
  }

  function rowsOf(trace) {
    if (trace.z) {
      return trace.z.flatMap((row, i) =>
        Array.from(row, (z, j) => [trace.name, trace.x ? trace.x[j] : j, trace.y ? trace.y[i] : i, z])
      );
    }
    const y = Array.from(trace.y || []);
    return y.map((value, i) => [trace.name, trace.x ? trace.x[i] : i, value]);
  }

  function toCsv(traces) {
    const header = traces.some((trace) => trace.z) ? ["series", "x", "y", "z"] : ["series", "x", "y"];
    return [header, ...traces.flatMap(rowsOf)].map((row) => row.map(plain).map(cell).join(",") + "\n").join("");
  }

  window.dash_clientside.reslab = {
    ...window.dash_clientside.reslab,
    save_figure() {
      const context = window.dash_clientside.callback_context;
      const { no_update } = window.dash_clientside;
      if (!context.triggered.some((one) => one.value)) return no_update;
      const { figure: name, format } = context.triggered_id;
      const graph = document.getElementById(`{"figure":"${name}","part":"graph"}`).querySelector(".js-plotly-plot");
      if (format === "csv") {
        download(toCsv(graph.data), "text/csv", `${name}.csv`);
      } else {
        const figure = { data: graph.data, layout: { ...graph.layout, ...INK } };
        const size = { width: graph.clientWidth, height: graph.clientHeight };
        window.Plotly.downloadImage(figure, { format, filename: name, scale: 2, ...size });
      }
      return no_update;
    },
    save_picture(_clicks, files) {
      const context = window.dash_clientside.callback_context;
      const { no_update } = window.dash_clientside;
      if (!context.triggered.some((one) => one.value)) return no_update;
      const { picture: name, format } = context.triggered_id;
      if (format === "csv") download(files.csv, "text/csv", `${name}.csv`);
      if (format === "svg") download(files.svg, "image/svg+xml", `${name}.svg`);
      if (format === "png") rasterise(files.svg, `${name}.png`);
      return no_update;
    },
  };
})();
