// Several jobs side by side: where each stands, the newest values, and what their job files differ in.

import { isTold } from "./facts.js";
import { color, duration, el, isFinal, number, stateOf, title, whole } from "./format.js";
import { fields } from "./jobfile.js";

const SOME = 8; // of the job file's fields that differ are shown at once

export class Beside {
  constructor() {
    this.head = el("tr");
    this.values = el("tbody");
    this.differing = el("tbody");
    this.rest = el("button", { onclick: () => { this.all = true; this.show(); } });
    this.node = el("section", { className: "panel beside wide-scroll", hidden: true }, el("table", { className: "list" }, el("thead", {}, this.head), this.values, this.differing), this.rest);
    this.jobs = new Map();
    this.names = [];
  }

  // `names`: [[id, name]] of all that stand here, in order.
  set(names) {
    this.names = names;
    this.show();
  }

  // A job as it is now.
  take(job) {
    if (!this.names.some(([id]) => id === job.id)) return;
    this.jobs.set(job.id, job);
    this.show();
  }

  show() {
    const jobs = this.names.map(([id]) => this.jobs.get(id));
    this.node.hidden = jobs.length < 2 || jobs.includes(undefined);
    if (this.node.hidden) return;
    this.head.replaceChildren(el("th"), ...this.names.map(([id, name], place) => {
      const key = el("i");
      key.style.background = color(place);
      return el("th", { scope: "col" }, key, el("a", { href: `#/jobs/${id}`, textContent: name }));
    }));
    const row = (name, cells) => el("tr", {}, el("th", { scope: "row", textContent: name }), ...cells.map(textContent => el("td", { textContent })));
    const told = jobs.flatMap(({ latest = {} }) => Object.keys(latest).filter((name, _, all) => isTold(name, all))), series = [...new Set(told)].sort();
    this.values.replaceChildren(row("state", jobs.map(job => stateOf(job))), row("steps", jobs.map(({ progress = {} }) => `${whole(progress.step)} of ${whole(progress.total_steps)}`)),
      ...(jobs.every(job => isFinal(stateOf(job))) ? [] : [row("time left", jobs.map(job => job.progress?.left_s ? duration(job.progress.left_s) : "–"))]),
      ...series.map(name => row(title(name), jobs.map(job => name in (job.latest ?? {}) ? number(job.latest[name]) : "–"))));
    const specs = jobs.map(job => new Map(fields(job.spec))), names = [...new Set(specs.flatMap(spec => [...spec.keys()]))].filter(name => name !== "name" && new Set(specs.map(spec => spec.get(name))).size > 1);
    this.differing.replaceChildren(...names.slice(0, this.all ? names.length : SOME).map(name => row(name, specs.map(spec => spec.get(name) ?? "-"))));
    this.rest.hidden = this.all || names.length <= SOME;
    this.rest.textContent = names.length - SOME === 1 ? "1 more field differs" : `${names.length - SOME} more fields differ`;
  }
}
