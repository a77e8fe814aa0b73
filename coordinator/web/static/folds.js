// The folds of a job: where each stands and what it has reached, and mean and deviation of those that have succeeded.

import { badge, el, number, stateOf, whole } from "./format.js";

export function foldTable(job) {
  const series = [...new Set(job.folds.flatMap(fold => Object.keys(fold.evaluation ?? {})))].sort();
  const row = cells => el("tr", {}, ...cells.map(cell => el("td", {}, cell)));
  const titles = ["fold", "state", "step", ...series.map(name => name.replace("eval_", "held-out "))];
  const each = job.folds.map(fold => row([
    el("a", { href: `#/jobs/${fold.job_id}`, textContent: String(fold.fold) }), badge(stateOf(fold)),
    `${whole(fold.progress?.step)} / ${whole(fold.progress?.total_steps)}`, ...series.map(name => value(fold.evaluation, name))]));
  const spread = name => value(job.latest, name) + (name in (job.deviation ?? {}) ? ` ± ${number(job.deviation[name])}` : "");
  return el("div", { className: "panel folds" }, el("table", { className: "list" }, el("thead", {}, el("tr", {}, ...titles.map(textContent => el("th", { textContent })))),
    el("tbody", {}, ...each, row(["", "mean ± deviation", "", ...series.map(spread)]))));
}

const value = (values, name) => name in (values ?? {}) ? number(values[name]) : "–";
