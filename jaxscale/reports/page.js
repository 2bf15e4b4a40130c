"use strict";
// Draws the charts with Vega-Embed, and connects the controls beside them. The library's expressions are interpreted
// (ast), so that the page needs no right to evaluate text as code.

const CHARTS = JSON.parse(document.getElementById("charts").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");

function theme() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(name).trim();
  const palette = value("--series").split(/\s+/);
  const text = { labelColor: value("--quiet"), titleColor: value("--ink"), labelFontSize: 12, titleFontSize: 12 };
  return {
    palette,
    named: (name) => palette[name] ?? value(`--${name}`),
    config: {
      background: null,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axis: { ...text, titleFontWeight: 500, gridColor: value("--rule"), domainColor: value("--rule"), tickColor: value("--rule") },
      legend: { ...text, labelFontSize: 12 },
    },
  };
}

class Chart {
  // `colours`: the place of each curve in the palette. `slots`: the curve that has each colour now, or null.
  constructor(figure, { spec, shown, curves, colours }) {
    Object.assign(this, { figure, spec, first: shown, curves, colours, slots: [], drawn: 0 });
    for (const name of shown) this.take(name);
    this.form = figure.querySelector("form");
    this.form.hidden = !this.form.elements.length;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", (event) => this.changed(event.target));
    for (const button of this.form.querySelectorAll("button")) {
      button.addEventListener("click", () => this.choose({ first: this.first, all: this.curves, none: [] }[button.dataset.show]));
    }
  }

  async draw() {
    const turn = ++this.drawn;
    const { palette, named, config } = theme();
    const spec = structuredClone(this.spec);
    const start = { ...this.state(), palette, one: this.form.elements.one?.value, log_y: this.form.elements.log_y?.checked };
    for (const param of spec.params) param.value = start[param.name] ?? param.value;
    const parts = spec.encoding.color?.scale;
    if (parts) parts.range = parts.range.map(named);
    if (this.form.elements.log_x) {
      spec.encoding.x.scale.type = this.form.elements.log_x.checked ? "log" : "linear";
      if (this.form.elements.log_y.checked) spec.encoding.y.scale = { type: "log" };
    }
    const options = { mode: "vega-lite", renderer: "svg", actions: false, ast: true, defaultStyle: false, config, tooltip: { disableDefaultStyle: true } };
    const { view } = await vegaEmbed(this.figure.querySelector(".plot"), spec, options);
    if (turn !== this.drawn) return;
    this.view = view;
    this.colour(palette);
    this.figure.dataset.drawn = turn;
  }

  changed(control) {
    if (control.name === "curve") for (const chart of all) chart.toggle(control.value, control.checked);
    else if (control.name === "one") for (const chart of all) chart.show(control.value);
    else this.draw();
  }

  choose(names) {
    for (const name of this.curves) for (const chart of all) chart.toggle(name, names.includes(name));
  }

  state() {
    return { shown: [...this.slots], count: this.slots.filter((name) => name !== null).length };
  }

  // A curve has its own colour, as in every other picture; where another one that is shown has it, the first free one.
  take(name) {
    const count = theme().palette.length;
    while (this.slots.length < count) this.slots.push(null);
    const own = this.colours[name] % count;
    const slot = this.slots[own] === null ? own : this.slots.indexOf(null);
    if (slot < 0) this.slots.push(name);
    else this.slots[slot] = name;
  }

  toggle(name, on) {
    if (!this.curves.includes(name) || this.slots.includes(name) === on) return;
    if (on) this.take(name);
    else this.slots[this.slots.indexOf(name)] = null;
    const { shown, count } = this.state();
    this.view.signal("shown", shown).signal("count", count).runAsync();
    this.colour(theme().palette);
  }

  show(name) {
    const select = this.form.elements.one;
    if (!select) return;
    select.value = name;
    this.view.signal("one", name).runAsync();
  }

  colour(palette) {
    const legend = this.figure.querySelector(".legend");
    legend?.replaceChildren();
    for (const box of this.form.querySelectorAll("input[name=curve]")) {
      const slot = this.slots.indexOf(box.value);
      box.checked = slot >= 0;
      const swatch = box.parentElement.querySelector(".swatch");
      if (slot >= 0) swatch.style.setProperty("--colour", palette[slot % palette.length]);
      else swatch.style.removeProperty("--colour");
      if (legend && slot >= 0) {
        const item = document.createElement("li");
        item.append(swatch.cloneNode(), box.value);
        legend.append(item);
      }
    }
    const count = this.form.querySelector(".count");
    if (count) count.textContent = this.state().count;
  }
}

// What a link points to may be folded away.
function unfold() {
  const details = document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("details");
  if (!details || details.open) return;
  details.open = true;
  details.scrollIntoView();
}

const all = Object.entries(CHARTS).map(
  ([key, chart]) => new Chart(document.querySelector(`[data-chart="${key}"]`), chart),
);
const draw = () => all.forEach((chart) => chart.draw());
dark.addEventListener("change", draw);
addEventListener("hashchange", unfold);
unfold();
draw();
