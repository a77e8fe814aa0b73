// Text that a job's newest checkpoint writes behind a prompt, as it comes.

import { pieces } from "./api.js";
import { el, many, put, whole } from "./format.js";

const LENGTH = 200, TEMPERATURE = 0.8, LONGEST = 10000;

// Whether the job's model says what comes next in a text.
export function writesText({ data: { train } = {} }) {
  return train?.kind === "docstrings" || train?.kind === "text" && (train.attributes?.task ?? "next") === "next";
}

export class Writing {
  constructor(job) {
    this.job = job;
    this.prompt = el("textarea", { rows: 3, spellcheck: false, ariaLabel: "How the text begins", placeholder: "How the text begins", value: job.spec.sample?.prompt ?? "" });
    this.length = el("input", { type: "number", min: 1, max: LONGEST, value: job.spec.sample?.length ?? LENGTH });
    this.heat = el("input", { type: "number", min: 0, step: 0.1, value: TEMPERATURE, title: "Below 1 likely ones come more often; 0: always the likeliest" });
    this.seed = el("input", { type: "number", min: 0, value: 0, title: "What is drawn, again the same" });
    this.input = el("div", {}, this.prompt, el("p", { className: "row figures" }, el("label", {}, "length", this.length), el("label", {}, "temperature", this.heat), el("label", {}, "seed", this.seed)));
    this.given = el("span", { className: "muted" });
    this.text = el("span");
    this.node = el("p", { className: "panel written", hidden: true }, this.given, this.text);
  }

  request() {
    if (!this.prompt.value) throw new Error("how does the text begin? A few letters that are in the training data");
    return { job_id: this.job.id, prompt: this.prompt.value, length: Number(this.length.value) || LENGTH, temperature: Number(this.heat.value), seed: this.seed.value || "0" };
  }

  begin() {
    this.node.hidden = true;
    this.text.textContent = "";
  }

  // Ends with the text; `told(so far)` behind each piece. Returns what to say of it.
  async ask(signal, told) {
    let step = 0;
    const request = this.request();
    for await (const piece of pieces("PredictService/Generate", request, signal)) {
      put(this.given, request.prompt);
      this.node.hidden = false;
      this.text.append(piece.text ?? "");
      step = piece.step ?? step;
      told(many(this.text.textContent.length, "character"));
    }
    return `${many(this.text.textContent.length, "character")} by the checkpoint of step ${whole(step)}`;
  }
}
