// Which jobs the list shows, and in which order. Kept while one looks at a job and comes back.

import { el, stateOf } from "./format.js";

const ENDED = ["succeeded", "failed", "cancelled"], ACTIVE = ENDED.map(state => `state != ${state.toUpperCase()}`).join(" AND ");
const STATES = { "all states": "", "not ended": ACTIVE, paused: "state = PAUSED", succeeded: "state = SUCCEEDED", failed: "state = FAILED", cancelled: "state = CANCELLED" };
const kept = { states: "", text: "", order: "", down: false };

// What runs, then what waits by its place, then what has ended, each newest first.
const usual = job => [ENDED.includes(stateOf(job)) ? 2 : stateOf(job) === "queued" ? 1 : 0, job.queue_position ?? 0];
const KEYS = { "": usual, Job: job => [job.spec?.name ?? ""], State: job => [stateOf(job)], Progress: job => [Number(job.progress?.step ?? 0) / Number(job.progress?.total_steps || 1)],
  Loss: job => [Number(job.latest?.loss ?? NaN)], "Held out": job => [Number(job.latest?.eval_loss ?? NaN)], Speed: job => [job.progress?.samples_s ?? 0],
  Submitted: job => [job.submit_time ?? 0] };

export class Filter {
  // `changed(asks)`: show the list again; whether the coordinator has to be asked for it.
  constructor(changed) {
    this.changed = changed;
    this.states = el("select", { title: "Of which state", onchange: () => { kept.states = this.states.value; changed(true); } },
      ...Object.entries(STATES).map(([textContent, value]) => el("option", { textContent, value })));
    this.states.value = kept.states;
    this.text = el("input", { type: "search", placeholder: "name, id, label", ariaLabel: "Jobs with this in name, id or label", value: kept.text,
      oninput: () => { const asks = !kept.text !== !this.text.value; kept.text = this.text.value; changed(asks); } });
    this.heads = new Map();
  }

  // A column's head, which orders by it: up, down, as usual.
  head(title, className) {
    if (!title || !KEYS[title]) return el("th", { className, textContent: title });
    const head = el("th", { className }, el("button", { textContent: title, onclick: () => this.orderBy(title) }));
    this.heads.set(title, head);
    this.mark();
    return head;
  }

  get request() { return kept.states; }
  get isNarrow() { return Boolean(kept.text || kept.states); }
  get hasText() { return Boolean(kept.text); }

  orderBy(title) {
    if (kept.order !== title) Object.assign(kept, { order: title, down: false });
    else if (!kept.down) kept.down = true;
    else Object.assign(kept, { order: "", down: false });
    this.mark();
    this.changed(false);
  }

  mark() {
    for (const [title, head] of this.heads) head.ariaSort = title === kept.order ? (kept.down ? "descending" : "ascending") : null;
  }

  shown(job) {
    const words = [job.spec?.name, job.id, ...Object.entries(job.spec?.labels ?? {}).map(pair => pair.join("="))].join(" ").toLowerCase();
    return words.includes(kept.text.trim().toLowerCase());
  }

  // Of two jobs; what has no number is last either way.
  compare(one, other) {
    const key = KEYS[kept.order], ones = key(one), others = key(other), place = ones.findIndex((part, i) => part !== others[i] && !(Number.isNaN(part) && Number.isNaN(others[i])));
    if (place < 0) return one.id < other.id ? 1 : -1;
    if (Number.isNaN(ones[place])) return 1;
    if (Number.isNaN(others[place])) return -1;
    return (ones[place] < others[place] ? -1 : 1) * (kept.down ? -1 : 1);
  }
}
