// What a run has left: checkpoints, journal, log. And the job file.

import { call, download } from "./api.js";
import { bytes, el, save, whole } from "./format.js";
import { asWritten, yaml } from "./jobfile.js";

export class Files {
  constructor(id) {
    this.id = id;
    this.body = el("tbody");
    this.said = el("p", { className: "muted", role: "alert" });
    const heads = [["File", ""], ["Step", "num step"], ["Size", "num"], ["SHA-256", "sum"], ["", "num"]];
    const table = el("table", { className: "list files" }, el("thead", {}, el("tr", {}, ...heads.map(([textContent, className]) => el("th", { textContent, className })))), this.body);
    this.node = el("div", {}, el("div", { className: "panel wide-scroll" }, table), this.said);
  }

  async refresh() {
    const { artifacts = [] } = await call("ArtifactService/ListArtifacts", { job_id: this.id });
    this.body.replaceChildren(...artifacts.reverse().map(artifact => el("tr", {},
      el("td", { className: "mono", textContent: artifact.name }), el("td", { className: "num step", textContent: artifact.step ? whole(artifact.step) : "" }),
      el("td", { className: "num", textContent: bytes(artifact.size_bytes) }),
      el("td", { className: "mono muted sum", textContent: artifact.sha256?.slice(0, 16) ?? "", title: artifact.sha256 ?? "" }),
      el("td", { className: "num" }, el("button", { textContent: "Download", ariaLabel: `Download ${artifact.name}`, onclick: event => this.save(artifact.name, event.target) })))));
  }

  async save(name, button) {
    button.disabled = true;
    this.said.textContent = "";
    try {
      save(await download(this.id, name), name.split("/").at(-1));
    } catch (error) {
      this.said.textContent = error.message;
    }
    button.disabled = false;
  }
}

export async function jobFile(id) {
  const text = await (await download(id, "job.json")).text(), node = el("pre", { className: "panel file" });
  for (const line of yaml(asWritten(JSON.parse(text)))) {
    const [, indent, key, rest] = /^([ -]*)([\w/]+:)?(.*)$/.exec(line);
    node.append(indent, el("span", { className: "k", textContent: key ?? "" }), rest, "\n");
  }
  return node;
}
