// A job: where it stands, what can be done about it, and everything that is known of its run. How far it has come is told by the
// stream of all jobs, and what happens in its run by its own.

import { showActions } from "./actions.js";
import { call, stream } from "./api.js";
import { Curves } from "./curves.js";
import { failure, sentences, showFacts } from "./facts.js";
import { Files, jobFile } from "./files.js";
import { foldTable } from "./folds.js";
import { el, isFinal, put, share, stateOf } from "./format.js";
import { Logs } from "./logs.js";
import { Predict } from "./predict.js";
import { Story } from "./story.js";

const TABS = { curves: "Curves", ranks: "Ranks", history: "History", logs: "Logs", predict: "Predict", file: "Job file", files: "Files" };
const OF_FOLDS = ["ranks", "logs", "predict", "files"]; // which the folds have, each its own
const EVERY_MS = 1000, BEHIND = 20;

export function jobPage(page, id, tab, options, signal) {
  const name = el("h1", { textContent: id }), state = el("span", { role: "status" }), trouble = el("div", { className: "trouble", role: "alert", hidden: true }), cause = el("p", { className: "cause" });
  const bar = el("div", { className: "bar", role: "progressbar", ariaLabel: "steps done", ariaValueMin: 0, ariaValueMax: 100 }, el("i"));
  const facts = el("div", { className: "facts" }), folds = el("div"), actions = el("div", { className: "row" });
  const links = Object.fromEntries(Object.entries(TABS).map(([key, textContent]) => [key, el("a", { href: `#/jobs/${id}/${key}`, textContent })]));
  const tabs = el("nav", { className: "tabs", ariaLabel: "About this job" }, ...Object.values(links));
  const room = el("div"), known = el("div", { hidden: true }, cause, bar, facts, folds, tabs, room), others = () => (options.get("with") ?? "").split(",").filter(Boolean);
  page.append(el("div", { className: "head" }, name, el("span", { className: "muted mono", textContent: id }), state, el("span", { className: "grow" }), actions), trouble, known);
  put(document.getElementById("crumb"), `/ ${id}`);
  document.title = `${id} · bptrain`;
  const story = new Story(), rooms = { ranks: story.node, history: story.list };
  let job = {}, asked = null, watching = false, cursor = "";

  const said = (...parts) => { if (!signal.aborted) { trouble.hidden = !parts.length; trouble.replaceChildren(...parts); } };
  const wrong = error => { delete trouble.dataset.of; said(error.message, ...(error.reason === "JOB_NOT_FOUND" ? [" ", el("a", { href: "#/", textContent: "All jobs" })] : [])); };

  async function look() {
    try {
      take((await call("JobService/GetJob", { id })).job);
    } catch (error) { wrong(error); }
  }

  // At most once a second; what comes meanwhile is in it.
  function soon() {
    asked ??= setTimeout(() => { asked = null; look(); }, EVERY_MS);
  }

  function take(newest) {
    if (signal.aborted) return;
    const first = known.hidden;
    job = newest;
    known.hidden = false;
    show();
    if (first) goTo(tab, options);
  }

  function show() {
    const now = stateOf(job), percent = Math.floor(share(job));
    put(name, job.spec?.name || id);
    put(document.getElementById("crumb"), `/ ${job.spec?.name || id}`);
    document.title = `${percent} % ${job.spec?.name ?? id} · bptrain`;
    state.className = "state " + now;
    put(state, now.toUpperCase());
    if (now === "failed") { if (trouble.dataset.of !== job.cause) said(...failure(job)); trouble.dataset.of = job.cause; } else { delete trouble.dataset.of; said(); }
    put(cause, now === "failed" ? "" : sentences(job));
    bar.className = "bar " + now;
    bar.ariaValueNow = percent;
    bar.firstChild.style.width = `${share(job)}%`;
    showFacts(facts, job);
    showActions(actions, now, act);
    for (const key of OF_FOLDS) links[key].hidden = Boolean(job.folds);
    if (job.folds) showFolds();
    if (!isFinal(now)) watch();
    rooms.logs?.setRanks?.(job.spec?.ranks ?? 0);
  }

  function showFolds() {
    folds.replaceChildren(foldTable(job));
    rooms.curves?.setFolds(job.folds.map(fold => fold.job_id));
  }

  async function act(method) {
    try {
      take((await call(`JobService/${method}`, { id })).job);
    } catch (error) { wrong(error); }
    soon();
  }

  async function goTo(wanted, given) {
    options = given;
    tab = wanted in TABS && !links[wanted].hidden ? wanted : "curves";
    if (known.hidden) return;
    for (const [key, link] of Object.entries(links)) {
      link.ariaCurrent = key === tab ? "page" : null;
      if (key === tab) link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    if (others().length) links.curves.href = `#/jobs/${id}/curves?with=${others().join(",")}`;
    if (tab === "curves") { rooms.curves ??= new Curves(id, others(), () => isFinal(stateOf(job)), signal); job.folds ? showFolds() : rooms.curves.setOthers(others()); }
    if (tab === "logs") { rooms.logs ??= new Logs(id, signal); rooms.logs.setRanks(job.spec?.ranks ?? 0); }
    if (tab === "predict") rooms.predict ??= new Predict(job, signal);
    if (tab === "files") rooms.files ??= new Files(id);
    if (tab === "file") rooms.file ??= await jobFile(id).catch(error => el("div", { className: "panel empty", textContent: error.message }));
    const node = rooms[tab].node ?? rooms[tab];
    if (room.firstChild !== node) room.replaceChildren(node);
    rooms[tab].refresh?.().catch(wrong);
    rooms.curves?.draw();
  }

  // Its run's events up to its end; on from there where it is tried again.
  function watch() {
    if (watching) return;
    watching = true;
    stream("MetricService/WatchMetrics", () => ({ job_id: id, cursor, most_behind: BEHIND }), message => {
      cursor = message.cursor;
      story.take(message);
      if (message.points || message.gap || message.started) rooms.curves?.ask();
      if (message.ended) soon();
    }, message => Boolean(message.ended), signal).then(() => { watching = false; }).catch(wrong);
  }

  // Of other jobs only what changes its curves or its place in the queue.
  function told({ job_id: which = "", job: newest, transition }) {
    const isFold = which.startsWith(id + "-");
    if (transition && (which === id || isFold || stateOf(job) === "queued")) soon();
    else if (which === id && newest && !known.hidden) take(newest);
    if (isFold || others().includes(which)) rooms.curves?.ask();
    if (newest) rooms.curves?.beside.take(newest);
  }

  const progress = last => { look(); return { cursor: last?.cursor ?? "", progress: true }; };
  stream("JobService/WatchJobs", progress, told, () => false, signal).catch(wrong);
  watch();
  return goTo;
}
