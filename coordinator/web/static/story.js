// What happened to a run, and who trains it: told by the stream of its events.

import { badge, brief, el, many, moment, put, whole } from "./format.js";

export class Story {
  constructor() {
    this.list = el("ol", { className: "panel story" });
    this.hosts = el("div", { className: "hosts" });
    this.none = el("div", { className: "panel empty", textContent: "The ranks have not met yet." });
    this.said = el("h3");
    this.bars = el("ul");
    const keys = el("p", { className: "keys" }, ...["its own shards", "waits for the slowest", "exchange, update, commit"].map(text => el("span", {}, el("i"), text)));
    this.pace = el("section", { className: "panel pace", hidden: true }, this.said, keys, this.bars);
    this.node = el("div", {}, this.none, this.pace, this.hosts);
    this.ranks = [];
  }

  // A message of WatchMetrics; points are for the curves.
  take(message) {
    if (message.transition) this.tell(message.transition.time, badge(message.transition.to.replace("JOB_STATE_", "").toLowerCase()), message.transition.cause);
    if (message.started) {
      this.crew(message.started.ranks ?? []);
      const from = Number(message.started.first_step ?? 0), source = { SOURCE_MEMORY: " from a node's memory", SOURCE_DISK: " from a checkpoint" }[message.started.source] ?? "";
      this.tell(null, "ranks", `${many(this.ranks.length, "rank")} ${this.ranks.length === 1 ? "begins" : "begin"} at step ${whole(from)}${source}; ${whole(message.started.parameters)} parameters, ${whole(message.started.total_steps)} steps in all`);
    }
    if (message.crew) {
      const lost = (message.crew.lost ?? []).map(rank => `rank ${rank.rank ?? 0} on ${rank.host} ${rank.cause}`);
      const joined = message.crew.joined ? [`${message.crew.joined} joined`] : [];
      this.crew(message.crew.ranks ?? []);
      this.tell(null, "ranks", `${[...lost, ...joined].join("; ")}: going on with ${this.ranks.length} at step ${whole(message.crew.step)} after ${brief(message.crew.stall_s ?? 0)}`);
    }
    if (message.sample) this.tell(null, "sample", `of step ${whole(message.sample.step)}: ${message.sample.prompt}${message.sample.text ?? ""}`);
    if (message.pace) this.times(message.pace);
    if (message.checkpoint) this.tell(null, "checkpoint", `of step ${whole(message.checkpoint.step)}, written in ${brief(message.checkpoint.write_s ?? 0)}; training stood still for ${brief(message.checkpoint.stall_s ?? 0)}`);
    if (message.checkpoint_failed) this.tell(null, "checkpoint", `of step ${whole(message.checkpoint_failed.step)} could not be written: ${message.checkpoint_failed.cause}`);
  }

  tell(time, what, text) {
    this.list.prepend(el("li", {}, el("time", { textContent: time ? moment(time) : "" }), typeof what === "string" ? el("span", { className: "muted", textContent: what }) : what,
      el("span", { className: "what", textContent: text })));
  }

  // Of each rank a bar as long as a step: its own work, what it waits for the slowest, and what all do together.
  times({ step_s: whole_s, rank_s: own = [], steps }) {
    const slowest = Math.max(...own), share = seconds => `${(100 * Math.max(0, seconds) / whole_s).toFixed(1)}%`;
    this.pace.hidden = false;
    put(this.said, `A step takes ${brief(whole_s)}, on average of the last ${whole(steps)} steps`);
    if (this.bars.children.length !== own.length)
      this.bars.replaceChildren(...own.map((_, rank) => el("li", {}, el("span", { textContent: `rank ${rank}` }), el("div", {}, el("i"), el("i"), el("i")), el("span"))));
    own.forEach((seconds, rank) => {
      const [, bar, text] = this.bars.children[rank].children;
      [seconds, slowest - seconds, whole_s - slowest].forEach((part, place) => { bar.children[place].style.width = share(part); });
      bar.title = `own shards ${brief(seconds)}, waits ${brief(slowest - seconds)}, together ${brief(whole_s - slowest)}`;
      put(text, brief(seconds));
    });
  }

  crew(ranks) {
    this.ranks = ranks;
    const hosts = new Map();
    ranks.forEach((rank, number) => hosts.set(rank.host, [...hosts.get(rank.host) ?? [], { ...rank, number }]));
    this.none.hidden = hosts.size > 0;
    this.hosts.replaceChildren(...[...hosts].map(([host, members]) => el("section", { className: "panel host" },
      el("h3", { textContent: host }), el("p", { className: "muted", textContent: many(members.length, "rank") }),
      el("ul", {}, ...members.map(rank => el("li", { textContent: `rank ${rank.number} · ${rank.pid}`, title: "process id" }))))));
  }
}
