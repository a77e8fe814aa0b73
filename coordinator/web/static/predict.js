// What a job's newest checkpoint says of samples: of a file, of what is typed, of what lies below the data root.

import { call, pieces } from "./api.js";
import { bytes, el, many, put, save, whole } from "./format.js";
import { isTyped, ofFile, ofText, wanted } from "./samples.js";

const MOST_ROWS = 500, OVERHEAD = 4096; // rows of the table; bytes of a request beside the file

export class Predict {
  constructor(job, signal) {
    this.job = job;
    this.signal = signal;
    const ways = { file: "a file of mine", ...(isTyped(job.spec) ? { typed: "values" } : {}), path: "a path below the data root", ...(job.spec.data?.eval ? { eval: "the held-out data" } : {}) };
    this.way = el("select", { ariaLabel: "What to predict", onchange: () => this.choose(this.way.value) }, ...Object.entries(ways).map(([value, textContent]) => el("option", { value, textContent })));
    this.file = el("input", { type: "file", ariaLabel: "File to predict", onchange: () => { if (this.file.files.length) this.ask(); } });
    this.typed = el("textarea", { rows: 5, spellcheck: false, ariaLabel: "Values to predict", placeholder: isTyped(job.spec) ? wanted(job.spec) : "" });
    this.path = el("input", { type: "text", ariaLabel: "Path below the data root", placeholder: "new.csv" });
    this.inputs = { file: el("label", { className: "drop" }, this.file, "or drop it here"), typed: this.typed, path: this.path };
    this.go = el("button", { className: "primary", textContent: "Predict", onclick: () => this.ask() });
    this.stop = el("button", { textContent: "Stop", hidden: true, onclick: () => this.leave.abort() });
    this.keep = el("button", { textContent: "Save as CSV", hidden: true, onclick: () => save(new Blob([this.csv()], { type: "text/csv" }), "predictions.csv") });
    this.said = el("p", { className: "muted", role: "status" });
    this.wrong = el("div", { className: "trouble", role: "alert", hidden: true });
    this.head = el("tr");
    this.body = el("tbody");
    this.table = el("div", { className: "panel wide-scroll answers", hidden: true }, el("table", { className: "list" }, el("thead", {}, this.head), this.body));
    const form = el("section", { className: "panel predict" }, el("p", { className: "row" }, "Predict", this.way), ...Object.values(this.inputs), el("div", { className: "row" }, this.go, this.stop, this.keep, this.said));
    form.ondragover = event => { event.preventDefault(); form.classList.add("over"); };
    form.ondragleave = () => form.classList.remove("over");
    form.ondrop = event => { event.preventDefault(); form.classList.remove("over"); this.choose("file"); this.file.files = event.dataTransfer.files; if (this.file.files.length) this.ask(); };
    this.node = el("div", {}, form, this.wrong, this.table);
    this.choose("file");
  }

  choose(way) {
    this.way.value = way;
    for (const [name, input] of Object.entries(this.inputs)) input.hidden = name !== way;
  }

  async request() {
    switch (this.way.value) {
      case "file": return this.sent(this.file.files[0]);
      case "typed": return ofText(this.typed.value, this.job.spec);
      case "path": if (this.path.value.trim()) return { data: this.path.value.trim() }; else throw new Error("which path? Such as new.csv, below the coordinator's data root");
      default: return { data: "eval" };
    }
  }

  async sent(file) {
    if (!file) throw new Error("which file? Choose one, or drop it here");
    const { limits } = await call("ClusterService/GetServerInfo"), most = Math.floor((Number(limits.message_bytes) - OVERHEAD) * 3 / 4);
    if (file.size > most) throw new Error(`${file.name} has ${bytes(file.size)}, and ${bytes(most)} can be sent: put it below the coordinator's data root and name its path`);
    return ofFile(file);
  }

  async ask() {
    this.leave?.abort();
    const leave = this.leave = new AbortController(), since = performance.now(), took = () => `${((performance.now() - since) / 1000).toFixed(1)} s`;
    const tick = setInterval(() => put(this.said, `${this.rows.length ? `${many(this.rows.length, "sample")} so far` : "Working"}… ${took()}`), 500);
    this.begin();
    try {
      let step = 0;
      for await (const piece of pieces("PredictService/Predict", { job_id: this.job.id, ...await this.request() }, AbortSignal.any([leave.signal, this.signal]))) {
        step = piece.step ?? step;
        this.take(piece);
      }
      put(this.said, `${many(this.rows.length, "sample")} by the checkpoint of step ${whole(step)}, in ${took()}${this.rows.length > MOST_ROWS ? `; the first ${MOST_ROWS} are shown` : ""}`);
    } catch (error) {
      if (leave === this.leave) put(this.said, leave.signal.aborted ? `Stopped after ${many(this.rows.length, "sample")}` : "");
      if (!leave.signal.aborted) { this.wrong.hidden = false; this.wrong.replaceChildren(...this.problems(error)); }
    }
    clearInterval(tick);
    if (leave === this.leave) this.end();
  }

  problems(error) {
    return error.problems?.length ? error.problems.map(({ field, message }) => el("p", { textContent: [field, message].filter(Boolean).join(": ") })) : [error.message];
  }

  begin() {
    this.rows = [];
    this.columns = [];
    this.body.replaceChildren();
    put(this.said, "Working…");
    for (const node of [this.table, this.wrong, this.keep]) node.hidden = true;
    this.stop.hidden = false;
    this.go.disabled = true;
  }

  end() {
    this.stop.hidden = true;
    this.go.disabled = false;
    this.keep.hidden = !this.rows.length;
  }

  take({ samples = [], columns = [], answers = [], shape = [] }) {
    if (!columns.length) throw new Error(`an answer has ${whole(shape.reduce((product, length) => product * length, 1))} numbers, too many for a table: bptrain predict JOB DATA --output FILE.npy`);
    if (!this.columns.length) {
      this.columns = columns;
      this.head.replaceChildren(...["sample", ...columns].map(textContent => el("th", { textContent })));
    }
    const fresh = answers.map(({ values = [] }, place) => [samples[place], ...values]);
    this.body.append(...fresh.slice(0, Math.max(0, MOST_ROWS - this.rows.length)).map(row => el("tr", {}, ...row.map(textContent => el("td", { textContent })))));
    this.rows.push(...fresh);
    this.table.hidden = false;
  }

  csv() {
    const cell = text => /[",\n\r]/.test(text) ? `"${String(text).replaceAll('"', '""')}"` : text;
    return [["sample", ...this.columns], ...this.rows].map(row => row.map(cell).join(",") + "\n").join("");
  }
}
