// A row of the list: where a job stands, how far it has come, and the shape of its loss.

import { call } from "./api.js";
import { ago, badge, duration, el, isFinal, moment, number, put, share, stateOf, whole } from "./format.js";

const PAGE = 100, SPARK = 60, AHEAD_PX = 400;

export function newRow(job) {
  const name = job.spec?.name || job.id, cell = (className, ...children) => el("td", { className }, ...children);
  const row = { id: job.id, check: el("input", { type: "checkbox", title: "Compare", ariaLabel: `Compare ${name}` }), state: badge("queued"), bar: el("i"), steps: el("span"), why: el("p", { className: "why" }),
    loss: cell("num loss"), held: cell("num wide"), speed: cell("num wide"), time: el("time"), step: "", drawn: "-" };
  row.bars = el("div", { className: "bar" }, row.bar);
  row.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "spark", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" })) row.curve.setAttribute(key, value);
  row.path = row.curve.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  const link = el("a", { href: `#/jobs/${job.id}`, title: name }, el("span", { className: "name", textContent: name }), el("span", { className: "id", textContent: job.id }));
  row.node = el("tr", {}, cell("check", el("label", {}, row.check)), cell("job", link), cell("status", row.state), cell("progress", row.bars, row.steps, row.why), row.loss, row.held,
    cell("curve", row.curve), row.speed, cell("num when", row.time));
  return row;
}

export function update(row, job) {
  const state = stateOf(job), { step, total_steps: total, samples_s, left_s } = job.progress ?? {}, latest = job.latest ?? {};
  row.job = job;
  if (row.state.className !== "state " + state) row.state.className = "state " + state;
  put(row.state, state.toUpperCase() + (job.queue_position ? ` · place ${job.queue_position}` : ""));
  row.state.title = row.why.title = job.cause ?? "";
  put(row.why, state === "failed" ? job.failure?.cause || job.cause || "" : "");
  row.bars.className = "bar " + state;
  row.bar.style.width = `${share(job)}%`;
  put(row.steps, Number(total) ? `${whole(step)} of ${whole(total)} steps${left_s && !isFinal(state) ? ` · ${duration(left_s)} left` : ""}` : "not begun");
  put(row.loss, "loss" in latest ? number(latest.loss) : "");
  put(row.held, "eval_loss" in latest ? number(latest.eval_loss) : "");
  put(row.speed, samples_s ? `${whole(samples_s)}/s` : "");
  put(row.time, ago(job.submit_time));
  row.time.title = moment(job.submit_time);
  row.step = step ?? "";
}

// The curves of rows that are near the window and have come further.
export async function sparks(rows) {
  rows = rows.filter(row => row.step !== row.drawn && row.node.getBoundingClientRect().top < innerHeight + AHEAD_PX).slice(0, PAGE);
  if (!rows.length) return;
  const { curves = [] } = await call("MetricService/QueryMetrics", { job_ids: rows.map(row => row.id), series: ["loss"], max_points: SPARK });
  for (const row of rows) {
    row.drawn = row.step;
    row.path.setAttribute("d", curves.filter(({ job_id: id }) => id === row.id || id.startsWith(row.id + "-")).map(path).join("")); // of each fold its own
  }
}

function path({ steps, values }) {
  const points = steps.map((step, i) => [Number(step), Number(values[i])]).filter(([, y]) => Number.isFinite(y));
  const ys = points.map(([, y]) => y), low = Math.min(...ys), high = Math.max(...ys), first = points[0]?.[0] ?? 0, last = points.at(-1)?.[0] ?? 1;
  const at = ([x, y]) => `${(100 * (x - first) / (last - first || 1)).toFixed(1)} ${(94 - 88 * (y - low) / (high - low || 1)).toFixed(1)}`;
  return points.length > 1 ? "M" + points.map(at).join("L") : "";
}
