// A job: where it stands, what can be done about it, and everything that is known of its run.

import { call, stream } from "./api.js";
import { Curves } from "./curves.js";
import { Files, jobFile } from "./files.js";
import { foldTable } from "./folds.js";
import { duration, el, isFinal, moment, number, put, share, stateOf, whole } from "./format.js";
import { Logs } from "./logs.js";
import { Story } from "./story.js";

const TABS = { curves: "Curves", ranks: "Ranks", history: "History", logs: "Logs", file: "Job file", files: "Files" };
const ACTIONS = { queued: ["pause", "cancel"], starting: ["pause", "cancel"], running: ["pause", "cancel"], pausing: ["cancel"], paused: ["resume", "cancel"],
  restarting: ["cancel"], failed: ["retry"], cancelled: ["retry"] };
const EVERY_MS = 1000, BEHIND = 20;

export function jobPage(page, id, tab, options, signal) {
  const name = el("h1"), state = el("span"), trouble = el("div", { className: "trouble", hidden: true }), cause = el("p", { className: "cause" });
  const bar = el("div", { className: "bar" }, el("i")), facts = el("div", { className: "facts" }), folds = el("div"), actions = el("div", { className: "row" });
  const tabs = el("nav", { className: "tabs" }, ...Object.entries(TABS).map(([key, textContent]) => el("a", { href: `#/jobs/${id}/${key}`, textContent })));
  const room = el("div"), others = () => (options.get("with") ?? "").split(",").filter(Boolean);
  page.append(el("div", { className: "head" }, name, el("span", { className: "muted mono", textContent: id }), state, el("span", { className: "grow" }), actions),
    trouble, cause, bar, facts, folds, tabs, room);
  const story = new Story(), rooms = { ranks: story.node, history: story.list };
  let job = {}, asked = null;

  const said = error => { trouble.hidden = !error; put(trouble, error?.message ?? ""); };

  async function look() {
    try {
      job = (await call("JobService/GetJob", { id })).job ?? {};
      if (!signal.aborted) show();
    } catch (error) { if (!signal.aborted) said(error); }
  }

  function soon() {
    asked ??= setTimeout(() => { asked = null; look(); }, EVERY_MS);
  }

  function show() {
    const now = stateOf(job), failed = now === "failed";
    put(name, job.spec?.name || id);
    put(document.getElementById("crumb"), `/ ${job.spec?.name || id}`);
    document.title = `${Math.floor(share(job))} % ${job.spec?.name ?? id} · bptrain`;
    state.className = "state " + now;
    put(state, now.toUpperCase());
    said(failed ? { message: failure(job) } : null);
    put(cause, failed ? "" : sentences(job));
    bar.className = "bar " + now;
    bar.firstChild.style.width = `${share(job)}%`;
    showFacts(facts, job, now);
    showActions(actions, job, now, act);
    if (job.folds) { showFolds(); if (!isFinal(now)) soon(); }
    rooms.logs?.setRanks?.(job.spec?.ranks ?? 0);
  }

  function showFolds() {
    folds.replaceChildren(foldTable(job));
    rooms.curves?.setFolds(job.folds.map(fold => fold.job_id), !isFinal(stateOf(job)));
  }

  async function act(method, question, consequence, more = {}) {
    if (question && !await sure(question, consequence)) return;
    try {
      job = (await call(`JobService/${method}`, { id, ...more })).job ?? job;
      show();
    } catch (error) { said(error); }
    look();
  }

  async function goTo(wanted, given) {
    options = given;
    tab = wanted in TABS ? wanted : "curves";
    [...tabs.children].forEach((link, place) => {
      link.className = Object.keys(TABS)[place] === tab ? "on" : "";
      if (place === 0 && others().length) link.href = `#/jobs/${id}/curves?with=${others().join(",")}`;
    });
    if (tab === "curves") { rooms.curves ??= new Curves(id, others(), signal); job.folds ? showFolds() : rooms.curves.setOthers(others()); }
    if (tab === "logs") { rooms.logs ??= new Logs(id, signal); rooms.logs.setRanks(job.spec?.ranks ?? 0); }
    if (tab === "files") rooms.files ??= new Files(id);
    if (tab === "file") rooms.file ??= await jobFile(id).catch(error => el("div", { className: "panel empty", textContent: error.message }));
    const node = rooms[tab].node ?? rooms[tab];
    if (room.firstChild !== node) room.replaceChildren(node);
    rooms[tab].refresh?.().catch(said);
    rooms.curves?.draw();
  }

  goTo(tab, options);
  look();
  stream("MetricService/WatchMetrics", last => ({ job_id: id, cursor: last?.cursor ?? "", most_behind: BEHIND }), message => {
    story.take(message);
    if (message.points || message.gap || message.started) rooms.curves?.ask();
    if (!message.bookmark) soon();
  }, message => Boolean(message.ended), signal).catch(said);
  return goTo;
}

// Why it is where it is: waiting for what, held up by what.
function sentences(job) {
  const start = job.estimated_start ? `it should start at ${moment(job.estimated_start)}` : "", place = job.queue_position ? `place ${job.queue_position} in the queue` : "";
  return [job.waiting_reason || job.cause, place, start, job.slow_reason].filter(Boolean).join("; ");
}

function failure(job) {
  const { rank, host, step, cause, next_action: next } = job.failure ?? {}, who = rank === undefined ? "" : `rank ${rank}${host ? ` on ${host}` : ""}, step ${whole(step)}: `;
  return who + (cause || job.cause || "") + (next ? `. Next: ${next}` : "");
}

function showFacts(facts, job, state) {
  const progress = job.progress ?? {}, latest = job.latest ?? {}, running = !isFinal(state);
  const shown = ["loss", "eval_loss", "accuracy", "eval_accuracy"], rank = series => (shown.indexOf(series) + 99) % 99;
  const wanted = [
    [`of ${whole(progress.total_steps)} steps`, whole(progress.step)], [`of ${whole(progress.epochs ?? job.spec?.epochs)} epochs`, whole(progress.epoch)],
    ...(running ? [["time left", progress.left_s ? duration(progress.left_s) : "–"], ["samples/s", progress.samples_s ? whole(progress.samples_s) : "–"]] : []),
    [job.spec?.threads_per_rank > 1 ? `ranks of ${job.spec.threads_per_rank} threads` : "ranks", whole(job.spec?.ranks ?? 1)],
    ...Object.entries(latest).filter(([series]) => !series.includes("/")).sort(([one], [other]) => rank(one) - rank(other) || one.localeCompare(other)).slice(0, 6).map(([series, value]) => [series.replace("eval_", "held-out "), number(value)])];
  wanted.forEach(([title, value], place) => {
    if (!facts.children[place]) facts.append(el("div", { className: "fact" }, el("b"), el("span")));
    put(facts.children[place].children[0], value);
    put(facts.children[place].children[1], title);
  });
  while (facts.children.length > wanted.length) facts.lastChild.remove();
}

function showActions(actions, job, state, act) {
  if (actions.dataset.of === state) return;
  actions.dataset.of = state;
  const buttons = {
    pause: () => el("button", { textContent: "Pause", onclick: () => act("PauseJob") }),
    resume: () => el("button", { className: "primary", textContent: "Resume", onclick: () => act("ResumeJob") }),
    retry: () => el("button", { textContent: "Try again", onclick: () => act("RetryJob") }),
    cancel: () => el("button", { className: "danger", textContent: "Cancel", onclick: () => act("CancelJob", "Cancel this job?",
      "It stops at the next step, with a checkpoint from which it can be gone on with.") }),
  };
  actions.replaceChildren(...(ACTIONS[state] ?? []).map(name => buttons[name]()));
}

function sure(question, consequence) {
  const dialog = document.getElementById("sure");
  document.getElementById("question").textContent = question;
  document.getElementById("consequence").textContent = consequence;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise(done => { dialog.onclose = () => done(dialog.returnValue === "ok"); });
}
