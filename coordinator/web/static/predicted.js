// What was predicted: of a picture or of few samples a card each, with the likeliest classes as bars; of many a table.

import { el, save, whole } from "./format.js";

const MOST_ROWS = 500, FEW = 12, COLUMNS = 6; // rows of the table, samples that have cards, values on a card
const SHOWN = /^image\/(png|jpeg|gif|webp|avif|bmp|svg\+xml)$/; // what a browser can draw

export class Predicted {
  constructor() {
    this.head = el("tr");
    this.body = el("tbody");
    this.table = el("div", { className: "panel wide-scroll answers", tabIndex: 0 }, el("table", { className: "list" }, el("thead", {}, this.head), this.body));
    this.cards = el("ul", { className: "cards", ariaLabel: "Predictions" });
    this.node = el("div", {}, this.cards, this.table);
    this.begin(false);
  }

  // `hasFiles`: whether samples come of several files, whose names then stand beside them.
  begin(hasFiles) {
    Object.assign(this, { hasFiles, rows: [], columns: [], few: [] });
    this.body.replaceChildren();
    this.cards.replaceChildren();
    this.table.hidden = true;
  }

  get count() { return this.rows.length; }
  get isCut() { return !this.table.hidden && this.count > MOST_ROWS; }

  // A piece of the answer about this source, {name, type, content}.
  take(source, { samples = [], columns = [], answers = [], shape = [] }) {
    if (!columns.length) throw new Error(`an answer has ${whole(shape.reduce((product, length) => product * length, 1))} numbers, too many for a table: bptrain predict JOB DATA --output FILE.npy`);
    if (!this.columns.length) {
      this.columns = columns;
      this.head.replaceChildren(...[...(this.hasFiles ? ["file"] : []), "sample", ...columns].map(textContent => el("th", { textContent })));
    }
    const fresh = answers.map(({ values = [], likeliest = [] }, place) => ({ source, sample: samples[place], values, likeliest }));
    if (SHOWN.test(source.type)) this.cards.append(...fresh.map(row => this.card(row)));
    else this.tabulate(fresh);
    this.rows.push(...fresh);
  }

  tabulate(fresh) {
    this.few.push(...fresh.slice(0, Math.max(0, FEW + 1 - this.few.length)));
    this.body.append(...fresh.slice(0, Math.max(0, MOST_ROWS - this.body.children.length)).map(row => el("tr", {}, ...this.cells(row).map(textContent => el("td", { textContent })))));
    this.table.hidden = false;
  }

  // Few samples of a model of classes are better seen as cards.
  end() {
    if (this.table.hidden || this.few.length > FEW || !this.few.every(row => row.likeliest.length)) return;
    this.cards.append(...this.few.map(row => this.card(row)));
    this.table.hidden = true;
  }

  cells({ source, sample, values }) {
    return [...(this.hasFiles ? [source.name] : []), sample, ...values];
  }

  card({ source, sample, values, likeliest }) {
    const name = source.name ? source.name + (Number(sample) ? ` · ${whole(sample)}` : "") : `sample ${whole(sample)}`;
    const picture = SHOWN.test(source.type) ? [el("img", { src: `data:${source.type};base64,${source.content}`, alt: "", onload: sharpened })] : [];
    const told = likeliest.length ? likeliest.map(({ name: of, probability = 0 }) => bar(of, probability))
      : this.columns.slice(0, COLUMNS).map((column, place) => el("li", {}, el("span", { textContent: column }), el("b", { textContent: values[place] })));
    return el("li", { className: "panel" }, ...picture, el("div", {}, el("h3", { textContent: name, title: name }), el("ul", {}, ...told)));
  }

  save() {
    const cell = text => /[",\n\r]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : text;
    const lines = [[...(this.hasFiles ? ["file"] : []), "sample", ...this.columns], ...this.rows.map(row => this.cells(row))];
    save(new Blob([lines.map(row => row.map(cell).join(",") + "\n").join("")], { type: "text/csv" }), "predictions.csv");
  }
}

function bar(name, probability) {
  const part = el("i");
  part.style.width = `${100 * probability}%`;
  return el("li", {}, el("span", { textContent: name, title: name }), el("b", { textContent: percent(probability) }), el("div", { className: "bar" }, part));
}

const percent = share => share > 0 && share < 0.001 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;

// A picture of few pixels is shown with them, not with a blur.
function sharpened({ target }) {
  target.classList.toggle("tiny", target.naturalWidth < target.width);
}
