// The curves of a run, with those of others laid over them: asked for again as they grow, and for exact points on zoom.

import { call } from "./api.js";
import { Beside } from "./beside.js";
import { Chart } from "./chart.js";
import { isTold } from "./facts.js";
import { color, el, put, title } from "./format.js";

const EVERY_MS = 500, RANK = ["episode_return", "loss", "accuracy"];
const rank = series => (RANK.findIndex(name => series.replace(/^eval_/, "") === name || name === RANK[0] && series.endsWith(name)) + 9) % 9;

export class Curves {
  // `isOver()`: whether no points can follow.
  constructor(id, others, isOver, signal) {
    this.isOver = isOver;
    this.ids = [id, ...others];
    this.names = new Map();
    this.charts = new Map();
    this.look = { log: false, smooth: 0, range: null };
    this.signal = signal;
    this.tools();
    this.grid = el("div", { className: "charts" });
    this.rest = el("details", { className: "more", hidden: true }, el("summary", { textContent: "Layer by layer" }), this.inner = el("div", { className: "charts" }));
    this.rest.ontoggle = () => this.draw();
    this.none = el("div", { className: "panel empty", textContent: "Loading…" });
    this.beside = new Beside();
    this.node = el("div", {}, this.bar, this.none, this.grid, this.beside.node, this.rest);
    this.due = false;
    this.fill();
    this.ask();
  }

  tools() {
    const log = el("input", { type: "checkbox", onchange: () => { this.look.log = log.checked; this.draw(); } });
    const smooth = el("input", { type: "range", min: 0, max: 99, value: 0, title: "Smoothing",
      oninput: () => { this.look.smooth = smooth.value / 100; this.draw(); } });
    this.pick = el("select", { title: "Lay another run over this one" }, el("option", { value: "", textContent: "Compare with…" }));
    this.pick.onchange = () => { this.over([...this.ids.slice(1), this.pick.value]); };
    this.chips = el("span", { className: "chips" });
    this.bar = el("div", { className: "tools" }, el("label", {}, log, "log scale"), el("label", {}, "smooth", smooth), this.pick, this.chips);
  }

  // The others' ids stand in the address, so that a comparison has a link.
  over(others) {
    const unique = [...new Set(others)].filter(id => id && id !== this.ids[0]);
    location.hash = `#/jobs/${this.ids[0]}/curves` + (unique.length ? `?with=${unique.join(",")}` : "");
  }

  setOthers(others) {
    const ids = [this.ids[0], ...others];
    if (String(ids) === String(this.ids)) return;
    this.ids = ids;
    this.fill();
    this.ask();
  }

  async fill() {
    const { jobs = [] } = await call("JobService/ListJobs", { page_size: 200 }).catch(() => ({}));
    for (const job of jobs) this.names.set(job.id, job.spec?.name || job.id);
    const options = jobs.filter(job => !this.ids.includes(job.id)).map(job => el("option", { value: job.id, textContent: `${job.spec?.name} · ${job.id.slice(-5)}` }));
    this.pick.replaceChildren(el("option", { value: "", textContent: "Compare with…" }), ...options);
    this.pick.hidden = !options.length;
    this.chips.replaceChildren(...(this.ids.length < 2 ? [] : this.ids.map((id, place) => {
      if (this.inFolds && !place) return "";
      const key = el("i");
      key.style.background = color(place);
      const away = place && !this.inFolds ? el("button", { textContent: "×", title: "Take away", ariaLabel: `Take ${this.label(id)} away`, onclick: () => this.over(this.ids.slice(1).filter(other => other !== id)) }) : "";
      return el("span", { className: "chip" }, key, this.label(id), away);
    })));
    if (!this.inFolds) await this.compare();
    this.draw();
  }

  // Below the charts, those that are laid over each other stand side by side.
  async compare() {
    this.beside.set(this.alone ? [] : this.ids.map(id => [id, this.label(id)]));
    const found = this.alone ? [] : await Promise.all(this.ids.map(id => call("JobService/GetJob", { id }).catch(() => ({}))));
    for (const { job } of found) if (job) this.beside.take(job);
  }

  label(id) {
    if (id.startsWith(this.ids[0] + "-")) return `fold ${Number(id.slice(this.ids[0].length + 1))}`;
    const name = this.names.get(id) ?? id, alike = this.ids.filter(other => (this.names.get(other) ?? other) === name).length > 1;
    return alike ? `${name} ${id.slice(-5)}` : name;
  }

  // At most twice a second; what comes meanwhile is asked for once.
  ask() {
    if (this.timer) { this.due = true; return; }
    this.timer = setTimeout(() => { this.timer = null; if (this.due) { this.due = false; this.ask(); } }, EVERY_MS);
    this.query();
  }

  // Of a job that is trained in folds the curves are theirs: each has a color, as if it were laid over the others.
  setFolds(ids) {
    this.inFolds = true;
    if (String(ids) !== String(this.ids.slice(1))) this.setOthers(ids);
  }

  async query() {
    const [first, last] = this.look.range ?? [0, null], asked = this.asked = {};
    const request = { job_ids: this.inFolds ? this.ids.slice(1) : this.ids, max_points: Math.max(1000, Math.min(2000, innerWidth)), first_step: first, ...(last === null ? {} : { last_step: last }) };
    const { curves = [] } = await call("MetricService/QueryMetrics", request).catch(() => ({ curves: this.curves }));
    if (this.signal.aborted || asked !== this.asked || !this.ids) return;
    this.curves = curves;
    this.draw();
  }

  zoom(range) {
    this.look.range = range;
    this.ask();
    this.draw();
  }

  draw() {
    const groups = new Map(), measured = new Map();
    for (const { job_id: id, series } of this.curves ?? []) measured.set(id, [...measured.get(id) ?? [], series]);
    for (const curve of this.curves ?? []) {
      const { series } = curve, name = this.alone ? series.replace(/^eval_/, "") : series;
      if (series.includes("/") || isTold(series, measured.get(curve.job_id))) groups.set(name, [...groups.get(name) ?? [], curve]);
    }
    const order = [...groups.keys()].sort((one, other) => rank(one) - rank(other) || one.replace("eval_", "").localeCompare(other.replace("eval_", "")));
    this.none.hidden = order.length > 0;
    if (this.curves) put(this.none, this.isOver() ? "It has left no points." : "No points yet.");
    for (const name of order) {
      const inner = name.includes("/");
      if (!this.charts.has(name)) {
        const chart = new Chart(title(name), range => this.zoom(range));
        this.charts.set(name, chart);
      }
      const chart = this.charts.get(name), room = inner ? this.inner : this.grid;
      if (room !== chart.node.parentNode) room.append(chart.node);
      chart.node.classList.toggle("first", this.alone && name === order[0]);
      if (!inner || this.rest.open) this.charts.get(name).show(groups.get(name).map(curve => this.line(curve)), this.look);
    }
    this.rest.hidden = !order.some(name => name.includes("/"));
    for (const [name, chart] of this.charts) if (!groups.has(name)) { chart.node.remove(); this.charts.delete(name); }
  }

  get alone() { return this.ids.length === 1; }

  // Alone, a run's training and what is held out have a color each, in one chart; else each run has a color, and what is held out
  // charts of its own.
  line(curve) {
    const held = curve.series.startsWith("eval_"), apart = curve.series.endsWith("episode_return") ? "evaluated" : "held out";
    return { label: this.alone ? (held ? apart : "training") : this.label(curve.job_id), color: color(this.alone ? Number(held) : this.ids.indexOf(curve.job_id)),
      xs: (curve.steps ?? []).map(Number), ys: (curve.values ?? []).map(value => Number.isFinite(Number(value)) ? Number(value) : null),
      total: Number(curve.total_points) };
  }
}
