// All jobs: where each stands, and the shape of its loss. Listed when the page opens and when a job changes its state; how far
// they have come is told by a stream.

import { call, stream } from "./api.js";
import { badge, duration, el, isFinal, number, put, share, stateOf, whole } from "./format.js";

const EVERY_MS = 1000, PAGE = 100, SPARK = 60;
const COLUMNS = [["", ""], ["Job", ""], ["State", ""], ["Progress", ""], ["Loss", "num"], ["Held out", "num"], ["Curve", ""], ["Speed", "num"], ["Left", "num"]];

export async function listPage(page, signal) {
  document.getElementById("crumb").textContent = "";
  document.title = "bptrain";
  const compare = el("button", { textContent: "Compare", disabled: true }), more = el("button", { textContent: "Older jobs", hidden: true });
  const counts = el("span", { className: "muted grow" }), trouble = el("div", { className: "trouble", hidden: true });
  const body = el("tbody"), empty = el("div", { className: "panel empty", hidden: true }, "No jobs yet. Hand one in with", el("br"),
    el("code", { textContent: "bptrain submit JOB.yaml --watch" }));
  const table = el("table", { className: "list jobs" }, el("thead", {}, el("tr", {}, ...COLUMNS.map(([textContent, className]) =>
    el("th", { textContent, className })))), body);
  const panel = el("div", { className: "panel", hidden: true }, table);
  page.append(el("div", { className: "head" }, el("h1", { textContent: "Jobs" }), counts, compare), trouble, empty, panel, el("p", { className: "head" }, more));

  const rows = new Map();
  let size = PAGE, due = null, stale = false;
  const chosen = () => [...rows.values()].filter(row => row.check.checked).map(row => row.id);
  body.onchange = () => { compare.disabled = chosen().length < 2; };
  compare.onclick = () => { const [first, ...others] = chosen(); location.hash = `#/jobs/${first}/curves?with=${others.join(",")}`; };
  more.onclick = () => { size = Math.min(1000, size + PAGE); look(); };

  async function look() {
    try {
      const { jobs = [], next_page_token: next } = await call("JobService/ListJobs", { page_size: size });
      if (signal.aborted) return;
      trouble.hidden = true;
      empty.hidden = jobs.length > 0;
      panel.hidden = !jobs.length;
      more.hidden = !next || size >= 1000;
      const running = jobs.filter(job => !isFinal(stateOf(job)) && stateOf(job) !== "queued").length, queued = jobs.filter(job => stateOf(job) === "queued").length;
      put(counts, jobs.length ? `${jobs.length}${next ? "+" : ""} · ${running} running · ${queued} waiting` : "");
      jobs.forEach((job, place) => {
        if (!rows.has(job.id)) rows.set(job.id, newRow(job));
        const row = rows.get(job.id);
        update(row, job);
        if (body.children[place] !== row.node) body.insertBefore(row.node, body.children[place] ?? null);
      });
      for (const [id, row] of rows) if (!jobs.some(job => job.id === id)) { row.node.remove(); rows.delete(id); }
      await draw();
    } catch (error) {
      trouble.hidden = false;
      put(trouble, error.message);
    }
  }

  async function draw() {
    if (!document.hidden) await sparks([...rows.values()].filter(row => row.step !== row.drawn && row.node.getBoundingClientRect().top < innerHeight + 400)).catch(() => {});
  }

  // At most once a second; what comes meanwhile is in it.
  function soon() {
    due ??= setTimeout(() => { due = null; stale ? look() : draw(); stale = false; }, EVERY_MS);
  }

  function told({ job, job_id: id, transition }) {
    if (!id || transition || !rows.has(id)) stale = true; // places in the queue change with it
    else update(rows.get(id), job);
    soon();
  }

  const behind = last => { look(); return { cursor: last?.cursor ?? "", progress: true }; };

  // A browser has few connections to one place: a page that nobody looks at has none.
  let watching = null;
  function follow() {
    watching?.abort();
    if (document.hidden || signal.aborted) return;
    watching = new AbortController();
    stream("JobService/WatchJobs", behind, told, () => false, watching.signal).catch(error => { trouble.hidden = false; put(trouble, error.message); });
  }
  document.addEventListener("visibilitychange", follow, { signal });
  signal.addEventListener("abort", follow);
  follow();
}

function newRow(job) {
  const cell = (className, ...children) => el("td", { className }, ...children);
  const row = { id: job.id, check: el("input", { type: "checkbox", title: "Compare" }), state: badge("queued"), bar: el("i"), steps: el("span"),
    loss: cell("num loss"), held: cell("num wide"), speed: cell("num wide"), left: cell("num wide"), step: "", drawn: "-" };
  row.bars = el("div", { className: "bar" }, row.bar);
  row.curve = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  row.curve.setAttribute("class", "spark");
  row.curve.setAttribute("viewBox", "0 0 100 100");
  row.curve.setAttribute("preserveAspectRatio", "none");
  row.path = row.curve.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  const link = el("a", { href: `#/jobs/${job.id}` }, el("span", { className: "name", textContent: job.spec?.name || job.id }), el("span", { className: "id", textContent: job.id }));
  row.node = el("tr", {}, cell("", row.check), cell("", link), cell("status", row.state), cell("progress", row.bars, row.steps), row.loss, row.held,
    cell("curve", row.curve), row.speed, row.left);
  return row;
}

function update(row, job) {
  const state = stateOf(job), progress = job.progress ?? {}, latest = job.latest ?? {};
  if (row.state.className !== "state " + state) row.state.className = "state " + state;
  put(row.state, state.toUpperCase() + (job.queue_position ? ` · place ${job.queue_position}` : ""));
  row.state.title = job.cause ?? "";
  row.bars.className = "bar " + state;
  row.bar.style.width = `${share(job)}%`;
  put(row.steps, Number(progress.total_steps) ? `${whole(progress.step)} of ${whole(progress.total_steps)} steps` : "not begun");
  put(row.loss, "loss" in latest ? number(latest.loss) : "");
  put(row.held, "eval_loss" in latest ? number(latest.eval_loss) : "");
  put(row.speed, progress.samples_s ? `${whole(progress.samples_s)}/s` : "");
  put(row.left, progress.left_s && !isFinal(state) ? duration(progress.left_s) : "");
  row.step = progress.step ?? "";
}

async function sparks(rows) {
  rows = rows.slice(0, PAGE);
  if (!rows.length) return;
  const { curves = [] } = await call("MetricService/QueryMetrics", { job_ids: rows.map(row => row.id), series: ["loss"], max_points: SPARK });
  for (const row of rows) row.drawn = row.step;
  for (const curve of curves) {
    const row = rows.find(one => one.id === curve.job_id), points = curve.steps.map((step, i) => [Number(step), Number(curve.values[i])]).filter(([, y]) => Number.isFinite(y));
    const ys = points.map(([, y]) => y), low = Math.min(...ys), high = Math.max(...ys), first = points[0]?.[0] ?? 0, last = points.at(-1)?.[0] ?? 1;
    const at = ([x, y]) => `${(100 * (x - first) / (last - first || 1)).toFixed(1)} ${(94 - 88 * (y - low) / (high - low || 1)).toFixed(1)}`;
    row.path.setAttribute("d", points.length > 1 ? "M" + points.map(at).join("L") : "");
  }
}
