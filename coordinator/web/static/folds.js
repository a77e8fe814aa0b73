// The folds of a job: where each stands and what it has reached, and mean and deviation of those that have succeeded.

import { badge, el, number, stateOf, title, whole } from "./format.js";

export function foldTable(job) {
  const series = [...new Set(job.folds.flatMap(fold => Object.keys(fold.evaluation ?? {})))].sort();
  const row = (kind, [first, ...figures]) => el("tr", {}, first, ...figures.map(figure => el(kind, { className: "num" }, figure)));
  const each = job.folds.map(fold => row("td", [
    el("td", {}, el("a", { href: `#/jobs/${fold.job_id}` }, `fold ${fold.fold}`), badge(stateOf(fold))),
    fold.progress?.total_steps ? `${whole(fold.progress.step)} of ${whole(fold.progress.total_steps)}` : "not begun", ...series.map(name => value(fold.evaluation, name))]));
  const spread = name => value(job.latest, name) + (name in (job.deviation ?? {}) ? ` ± ${Number(job.deviation[name]).toPrecision(2)}` : "");
  return el("div", { className: "panel folds wide-scroll" }, el("table", { className: "list" },
    el("thead", {}, row("th", [el("th", { textContent: "Fold" }), "Steps", ...series.map(title)])),
    el("tbody", {}, ...each), el("tfoot", {}, row("td", [el("td", { textContent: "mean ± deviation" }), "", ...series.map(spread)]))));
}

const value = (values, name) => name in (values ?? {}) ? number(values[name]) : "–";
