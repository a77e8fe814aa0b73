// All jobs. Listed when the page opens and when a job changes its state; how far they have come is told by a stream.

import { call, stream } from "./api.js";
import { Filter } from "./filter.js";
import { el, isFinal, put, stateOf, whole } from "./format.js";
import { newRow, sparks, update } from "./rows.js";

const EVERY_MS = 1000, PAGE = 100, MOST = 1000;
const COLUMNS = { "": "", Job: "", State: "", Progress: "", Loss: "num", "Held out": "num wide", Curve: "", Speed: "num wide", Submitted: "num" };

export function listPage(page, signal) {
  document.getElementById("crumb").textContent = "";
  document.title = "bptrain";
  const filter = new Filter(asks => asks ? look() : arrange());
  const compare = el("button", { textContent: "Compare", disabled: true, title: "Choose two jobs or more" }), more = el("button", { textContent: "Older jobs", hidden: true });
  const older = el("span", { className: "muted", hidden: true, textContent: `These are the newest ${whole(MOST)}; all of them: bptrain list` });
  const counts = el("span", { className: "muted grow", role: "status" }), trouble = el("div", { className: "trouble", role: "alert", hidden: true });
  const none = el("div", { className: "panel empty", hidden: true }), body = el("tbody");
  const table = el("table", { className: "list jobs" }, el("thead", {}, el("tr", {}, ...Object.entries(COLUMNS).map(([title, className]) => filter.head(title, className)))), body);
  const panel = el("div", { className: "panel", hidden: true }, table), tools = el("div", { className: "row" }, filter.text, filter.states, compare);
  page.append(el("div", { className: "head" }, el("h1", { textContent: "Jobs" }), counts, tools), trouble, none, panel, el("p", { className: "head" }, more, older));

  const rows = new Map();
  let size = PAGE, due = null, stale = false, asked = null;
  const chosen = () => [...rows.values()].filter(row => row.check.checked).map(row => row.id);
  body.onchange = () => { compare.disabled = chosen().length < 2; };
  compare.onclick = () => { const [first, ...others] = chosen(); location.hash = `#/jobs/${first}/curves?with=${others.join(",")}`; };
  more.onclick = () => { size = Math.min(MOST, size + PAGE); look(); };
  const said = error => { if (!signal.aborted) { trouble.hidden = !error; put(trouble, error?.message ?? ""); } };

  async function look() {
    const mine = asked = {};
    try {
      const { jobs = [], next_page_token: next } = await call("JobService/ListJobs", { page_size: filter.hasText ? MOST : size, filter: filter.request });
      if (signal.aborted || mine !== asked) return;
      said(null);
      for (const job of jobs) {
        if (!rows.has(job.id)) rows.set(job.id, newRow(job));
        update(rows.get(job.id), job);
      }
      const listed = new Set(jobs.map(job => job.id));
      for (const [id, row] of rows) if (!listed.has(id)) { row.node.remove(); rows.delete(id); }
      more.hidden = !next || size >= MOST || filter.hasText;
      older.hidden = !next || !more.hidden;
      arrange(Boolean(next));
    } catch (error) { said(error); }
  }

  // The rows that the filter lets through, in its order; nodes that stand right are not touched.
  function arrange(hasMore = !more.hidden) {
    const shown = [...rows.values()].filter(row => filter.shown(row.job)).sort((one, other) => filter.compare(one.job, other.job)), visible = new Set(shown);
    for (const row of rows.values()) if (!visible.has(row)) row.node.remove();
    shown.forEach((row, place) => { if (body.children[place] !== row.node) body.insertBefore(row.node, body.children[place] ?? null); });
    panel.hidden = !shown.length;
    none.hidden = shown.length > 0;
    if (!shown.length) none.replaceChildren(...(filter.isNarrow ? ["No job is like this."] : ["No jobs yet. Hand one in with", el("br"), el("code", { textContent: "bptrain submit JOB.yaml --watch" })]));
    const states = shown.map(row => stateOf(row.job)), queued = states.filter(state => state === "queued").length;
    put(counts, shown.length ? `${shown.length}${hasMore ? "+" : ""} · ${states.filter(state => !isFinal(state) && state !== "queued" && state !== "paused").length} running · ${queued} waiting` : "");
    draw();
  }

  function draw() {
    if (!document.hidden) sparks([...rows.values()].filter(row => row.node.isConnected)).catch(() => {});
  }

  // At most once a second; what comes meanwhile is in it.
  function soon() {
    due ??= setTimeout(() => { due = null; stale ? look() : draw(); stale = false; }, EVERY_MS);
  }

  function told({ job, job_id: id, transition }) {
    if (transition) stale = true; // places in the queue change with it
    else if (rows.has(id)) update(rows.get(id), job);
    else return;
    soon();
  }

  const behind = last => { look(); return { cursor: last?.cursor ?? "", progress: true }; };
  addEventListener("scroll", soon, { signal, passive: true });
  stream("JobService/WatchJobs", behind, told, () => false, signal).catch(said);
}
