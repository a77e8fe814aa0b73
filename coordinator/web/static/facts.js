// What is to be known of a job at a glance: in figures, and in words.

import { duration, el, isFinal, many, moment, number, put, stateOf, title, whole } from "./format.js";

const MOST = 6, FIRST = ["episode_return", "loss", "eval_loss", "accuracy", "eval_accuracy"];
const rank = series => (FIRST.findIndex(name => series === name || name === "episode_return" && series.endsWith(name)) + 99) % 99;

// Where episodes are evaluated the loss of it is their return with a minus.
export const isTold = (series, all) => !series.includes("/") && !(series === "eval_loss" && all.some(other => /^eval_.*episode_return$/.test(other)));

export function showFacts(facts, job) {
  const { step, total_steps: total, epoch, epochs, left_s, samples_s } = job.progress ?? {}, latest = job.latest ?? {}, names = Object.keys(latest), ranks = job.spec?.ranks ?? 1;
  const newest = names.filter(series => isTold(series, names)).sort((one, other) => rank(one) - rank(other) || one.localeCompare(other)).slice(0, MOST);
  const wanted = [
    [Number(total) ? `of ${many(total, "step")}` : "steps", Number(total) ? whole(step) : "–"], [`of ${many(epochs ?? job.spec?.epochs, "epoch")}`, whole(epoch)],
    ...(isFinal(stateOf(job)) || job.folds ? [] : [["time left", left_s ? duration(left_s) : "–"]]),
    ...(isFinal(stateOf(job)) ? [] : [["samples/s", samples_s ? whole(samples_s) : "–"]]),
    [job.spec?.threads_per_rank > 1 ? `ranks of ${job.spec.threads_per_rank} threads` : job.folds ? "ranks a fold" : ranks === 1 ? "rank" : "ranks", whole(ranks)],
    ...newest.map(series => [title(series), number(latest[series])])];
  wanted.forEach(([name, value], place) => {
    if (!facts.children[place]) facts.append(el("div", { className: "fact" }, el("b"), el("span")));
    const [figure, words] = facts.children[place].children;
    put(figure, value);
    put(words, name);
    words.title = name;
  });
  while (facts.children.length > wanted.length) facts.lastChild.remove();
}

// Why it is where it is: waiting for what, held up by what.
export function sentences(job) {
  const start = job.estimated_start ? `it should start at ${moment(job.estimated_start)}` : "", place = job.queue_position ? `place ${job.queue_position} in the queue` : "";
  return [job.waiting_reason || job.cause, place, start, job.slow_reason].filter(Boolean).join("; ");
}

// What went wrong, where, and what to do.
export function failure(job) {
  const { rank, host, step, cause, next_action: next } = job.failure ?? {};
  const where = [rank === undefined ? "" : `rank ${rank}${host ? ` on ${host}` : ""}`, step === undefined ? "" : `step ${whole(step)}`].filter(Boolean).join(", ");
  return [el("p", {}, el("b", { textContent: cause || job.cause || "" }), where ? ` (${where})` : ""), ...(next ? [el("p", { textContent: `Next: ${next}` })] : [])];
}
