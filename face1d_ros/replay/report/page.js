"use strict";
(() => {
  const root = document.documentElement;
  const boxes = [...document.querySelectorAll(".chart")];
  const specs = new Map(boxes.map((box) => [box, JSON.parse(document.getElementById(box.dataset.chart).textContent)]));
  const touch = matchMedia("(hover: none)").matches;
  const hidden = new Set();
  let range = null;
  let printing = false;

  // plotly.js is in the page compressed: base64 of gzip. Every browser since spring 2023 can unpack it.
  async function unpack() {
    const packed = document.getElementById("plotly");
    const bytes = Uint8Array.from(atob(packed.textContent.trim()), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const code = document.createElement("script");
    code.textContent = await new Response(stream).text();
    document.head.append(code);
    code.remove();
    packed.remove();
  }

  // A copy of a chart in which the names of the style sheet's colours are their values of now.
  function coloured(value, style) {
    if (typeof value === "string") {
      return value.startsWith("var(--") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((one) => coloured(one, style));
    if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, coloured(one, style)]));
  }

  const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400];

  function clock(seconds, step, longest) {
    const digits = step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
    if (longest < 120) return seconds.toFixed(digits) + " s";
    const whole = Math.floor(seconds + 1e-9);
    const rest = digits ? (seconds - whole).toFixed(digits).slice(1) : "";
    const pad = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(whole / 60);
    return minutes < 60
      ? `${minutes}:${pad(whole % 60)}${rest}`
      : `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(whole % 60)}${rest}`;
  }

  function timeAxis(axis, whole, width) {
    const [from, to] = range || whole;
    const wanted = Math.max(3, Math.min(12, Math.floor(width / 90)));
    const step = STEPS.find((one) => (to - from) / one <= wanted) || 86400;
    const values = [];
    for (let at = Math.ceil(from / step - 1e-6) * step; at <= to + 1e-6 * step; at += step) values.push(at);
    Object.assign(axis, {
      range: [from, to], autorange: false, tickmode: "array", tickvals: values,
      ticktext: values.map((at) => clock(at, step, whole[1])),
    });
  }

  // On a phone long names of rows would leave no room for what they name: their middle goes.
  function shorten(layout) {
    if (layout.margin.l <= 120) return;
    layout.margin.l = 120;
    for (const title of layout.annotations || []) title.xshift = 4 - layout.margin.l;
    for (const key of Object.keys(layout).filter((one) => one.startsWith("yaxis"))) {
      const names = layout[key].ticktext || [];
      layout[key].ticktext = names.map((name) => (name.length <= 18 ? name : `${name.slice(0, 9)}…${name.slice(-8)}`));
      layout[key].tickfont = { size: 11 };
    }
  }

  function draw(box) {
    const spec = specs.get(box);
    const chart = coloured(spec, getComputedStyle(root));
    const width = printing ? 680 : box.clientWidth;
    for (const trace of chart.data) {
      if (trace.meta && hidden.has(String(trace.meta.face))) trace.visible = false;
    }
    const layout = chart.layout;
    layout.width = width;
    if (width < 480) shorten(layout);
    if (layout.meta && layout.meta.whole) timeAxis(layout.xaxis, layout.meta.whole, width - layout.margin.l - layout.margin.r);
    if (touch) layout.dragmode = false;
    for (const key of Object.keys(layout)) {
      if (key.startsWith("yaxis") || (touch && key.startsWith("xaxis"))) layout[key].fixedrange = true;
    }
    const config = {
      displaylogo: false, displayModeBar: touch ? false : "hover", scrollZoom: false, showTips: false,
      modeBarButtonsToRemove: ["zoom2d", "pan2d", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d"],
    };
    return Plotly.react(box, chart.data, layout, config);
  }

  const drawAll = () => Promise.all(boxes.map(draw));

  // All charts over time show the same stretch.
  function follow(box) {
    const whole = specs.get(box).layout.meta?.whole;
    if (!whole) return;
    const show = (stretch) => {
      range = stretch;
      boxes.filter((one) => specs.get(one).layout.meta?.whole).forEach(draw);
    };
    box.on("plotly_relayout", (change) => {
      const [from, to] = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (from !== undefined && to !== undefined) show([Math.max(whole[0], from), Math.min(whole[1], to)]);
      else if (change["xaxis.autorange"]) show(null);
    });
    box.on("plotly_doubleclick", () => { show(null); return false; });
  }

  function faces() {
    const buttons = [...document.querySelectorAll(".legend button")];
    for (const button of buttons) {
      button.addEventListener("click", () => {
        const face = button.dataset.face;
        if (!hidden.delete(face)) hidden.add(face);
        for (const one of buttons) one.setAttribute("aria-pressed", String(!hidden.has(one.dataset.face)));
        drawAll();
      });
    }
  }

  function pictures() {
    const dialog = document.querySelector("dialog");
    const buttons = [...document.querySelectorAll(".pictures button")];
    if (!dialog || !buttons.length) return;
    let shown = 0;
    const show = (place) => {
      shown = (place + buttons.length) % buttons.length;
      const small = buttons[shown].querySelector("img");
      const large = dialog.querySelector("img");
      large.src = small.src;
      large.alt = small.alt;
      dialog.querySelector("output").replaceChildren(...buttons[shown].parentElement.querySelector("p").cloneNode(true).childNodes);
    };
    buttons.forEach((button, place) => button.addEventListener("click", () => { show(place); dialog.showModal(); }));
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "ArrowRight") show(shown + 1);
      if (event.key === "ArrowLeft") show(shown - 1);
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  function contents() {
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting || !links.has(entry.target.id)) continue;
        links.forEach((link) => link.removeAttribute("aria-current"));
        links.get(entry.target.id).setAttribute("aria-current", "true");
      }
    }, { rootMargin: "0px 0px -75% 0px" });
    document.querySelectorAll("section").forEach((section) => seen.observe(section));
  }

  function watch() {
    let width = innerWidth;
    let waiting = 0;
    addEventListener("resize", () => {
      if (innerWidth === width) return;
      width = innerWidth;
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(drawAll);
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
    const print = (begins) => {
      printing = begins;
      if (begins) root.dataset.theme = "light";
      else delete root.dataset.theme;
      document.querySelectorAll("details").forEach((one) => { one.open = begins; });
      drawAll();
    };
    addEventListener("beforeprint", () => print(true));
    addEventListener("afterprint", () => print(false));
  }

  async function main() {
    pictures();
    contents();
    faces();
    try {
      if (boxes.length) await unpack();
    } catch (error) {
      boxes.forEach((box) => { box.textContent = "This browser cannot unpack the charts. Their numbers are in report.json beside this page."; });
      root.dataset.charts = "failed";
      return;
    }
    for (const box of boxes) {
      box.classList.remove("waiting");
      box.textContent = "";
      try {
        await draw(box);
        follow(box);
      } catch (error) {
        console.error(error);
        box.textContent = "This chart could not be drawn. Its numbers are in report.json beside this page.";
      }
      await new Promise((done) => setTimeout(done));
    }
    watch();
    root.dataset.charts = "drawn";
  }

  main();
})();
