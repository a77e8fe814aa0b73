// What a job's newest checkpoint says of samples: of files, of what is typed, of what lies below the data root; and what it
// writes, where it says what comes next in a text.

import { call, pieces } from "./api.js";
import { bytes, el, many, put, whole } from "./format.js";
import { Predicted } from "./predicted.js";
import { isTyped, ofFile, ofText, wanted } from "./samples.js";
import { Writing, writesText } from "./writing.js";

const OVERHEAD = 4096, LIKELIEST = 5; // bytes of a request beside the file; classes beside an answer

export class Predict {
  constructor(job, signal) {
    this.job = job;
    this.signal = signal;
    this.shown = new Predicted();
    this.writing = new Writing(job);
    const ways = { ...(writesText(job.spec) ? { text: "how a text goes on" } : {}), file: "files of mine", ...(isTyped(job.spec) ? { typed: "values" } : {}), path: "a path below the data root",
      ...(job.spec.data?.eval ? { eval: "the held-out data" } : {}) };
    this.way = el("select", { ariaLabel: "What to predict", onchange: () => this.choose(this.way.value) }, ...Object.entries(ways).map(([value, textContent]) => el("option", { value, textContent })));
    this.file = el("input", { type: "file", multiple: true, ariaLabel: "Files to predict", onchange: () => { if (this.file.files.length) this.ask(); } });
    this.typed = el("textarea", { rows: 5, spellcheck: false, ariaLabel: "Values to predict", placeholder: isTyped(job.spec) ? wanted(job.spec) : "" });
    this.path = el("input", { type: "text", ariaLabel: "Path below the data root", placeholder: "new.csv", onkeydown: event => { if (event.key === "Enter") this.ask(); } });
    this.inputs = { text: this.writing.input, file: el("label", { className: "drop" }, this.file, "or drop them here"), typed: this.typed, path: this.path };
    for (const area of [this.typed, this.writing.prompt]) area.onkeydown = event => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.ask(); };
    this.go = el("button", { className: "primary", textContent: "Predict", onclick: () => this.ask() });
    this.stop = el("button", { textContent: "Stop", hidden: true, onclick: () => this.leave.abort() });
    this.keep = el("button", { textContent: "Save as CSV", hidden: true, onclick: () => this.shown.save() });
    this.said = el("p", { className: "muted", role: "status" });
    this.wrong = el("div", { className: "trouble", role: "alert", hidden: true });
    this.node = el("div", {}, this.form(), this.wrong, this.writing.node, this.shown.node);
    this.choose(Object.keys(ways)[0]);
  }

  form() {
    const form = el("section", { className: "panel predict" }, el("p", { className: "row" }, "Predict", this.way), ...Object.values(this.inputs), el("div", { className: "row" }, this.go, this.stop, this.keep, this.said));
    form.ondragover = event => { event.preventDefault(); form.classList.add("over"); };
    form.ondragleave = () => form.classList.remove("over");
    form.ondrop = event => { event.preventDefault(); form.classList.remove("over"); this.choose("file"); this.file.files = event.dataTransfer.files; if (this.file.files.length) this.ask(); };
    return form;
  }

  choose(way) {
    this.way.value = way;
    for (const [name, input] of Object.entries(this.inputs)) input.hidden = name !== way;
    put(this.go, way === "text" ? "Write" : "Predict");
  }

  // Of each source its name, what a browser needs to draw it, and what the call takes.
  async sources() {
    switch (this.way.value) {
      case "file": return this.files();
      case "typed": return [{ request: ofText(this.typed.value, this.job.spec) }];
      case "path": if (this.path.value.trim()) return [{ request: { data: this.path.value.trim() } }]; else throw new Error("which path? Such as new.csv, below the coordinator's data root");
      default: return [{ request: { data: "eval" } }];
    }
  }

  async files() {
    if (!this.file.files.length) throw new Error("which files? Choose some, or drop them here");
    const { limits } = await call("ClusterService/GetServerInfo"), most = Math.floor((Number(limits.message_bytes) - OVERHEAD) * 3 / 4);
    return [...this.file.files].map(file => ({ file, name: file.name, type: file.type, most }));
  }

  async ask() {
    this.leave?.abort();
    const leave = this.leave = new AbortController(), signal = AbortSignal.any([leave.signal, this.signal]), since = performance.now();
    const took = () => `${((performance.now() - since) / 1000).toFixed(1)} s`;
    let soFar = "";
    const tick = setInterval(() => put(this.said, `${soFar ? soFar + " so far" : "Working"}… ${took()}`), 500), told = words => { soFar = words; };
    this.begin();
    try {
      const found = this.way.value === "text" ? await this.writing.ask(signal, told) : await this.predict(signal, told);
      put(this.said, `${found}, in ${took()}${this.shown.isCut ? "; the first ones are shown" : ""}`);
    } catch (error) {
      if (leave === this.leave) put(this.said, leave.signal.aborted ? `Stopped after ${soFar || "nothing"}` : "");
      if (!signal.aborted) this.tell(error);
    }
    clearInterval(tick);
    if (leave === this.leave) this.end();
  }

  // One file after the other; what is wrong with one holds up no other.
  async predict(signal, told) {
    const sources = await this.sources();
    let step = 0;
    this.shown.begin(sources.length > 1);
    for (const source of sources) {
      try {
        for await (const piece of pieces("PredictService/Predict", { job_id: this.job.id, likeliest: LIKELIEST, ...source.request ?? await sent(source) }, signal)) {
          step = piece.step ?? step;
          this.shown.take(source, piece);
          told(many(this.shown.count, "sample"));
        }
      } catch (error) {
        if (sources.length === 1 || signal.aborted) throw error;
        this.tell(error, source.name);
      }
    }
    return `${many(this.shown.count, "sample")}${step ? ` by the checkpoint of step ${whole(step)}` : ""}`;
  }

  tell(error, name = "") {
    const sentences = error.problems?.length ? error.problems.map(({ field, message }) => [field, message].filter(Boolean).join(": ")) : [error.message];
    this.wrong.hidden = false;
    this.wrong.append(...sentences.map(sentence => el("p", { textContent: name ? `${name}: ${sentence}` : sentence })));
  }

  begin() {
    this.shown.begin(false);
    this.writing.begin();
    this.wrong.replaceChildren();
    put(this.said, "Working…");
    for (const node of [this.wrong, this.keep]) node.hidden = true;
    this.stop.hidden = false;
    this.go.disabled = true;
  }

  end() {
    this.shown.end();
    this.stop.hidden = true;
    this.go.disabled = false;
    this.keep.hidden = !this.shown.count;
  }
}

// Raises what is too long to be sent.
async function sent(source) {
  if (source.file.size > source.most) throw new Error(`${source.name} has ${bytes(source.file.size)}, and ${bytes(source.most)} can be sent: put it below the coordinator's data root and name its path`);
  const request = await ofFile(source.file);
  source.content = request.content;
  return request;
}
