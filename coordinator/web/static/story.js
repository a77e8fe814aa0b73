// What happened to a run, and who trains it: told by the stream of its events.

import { badge, el, moment, number, whole } from "./format.js";

export class Story {
  constructor() {
    this.list = el("ol", { className: "panel story" });
    this.hosts = el("div", { className: "hosts" });
    this.none = el("div", { className: "panel empty", textContent: "The ranks have not met yet." });
    this.node = el("div", {}, this.none, this.hosts);
    this.ranks = [];
  }

  // A message of WatchMetrics; points are for the curves.
  take(message) {
    if (message.transition) this.tell(message.transition.time, badge(message.transition.to.replace("JOB_STATE_", "").toLowerCase()), message.transition.cause);
    if (message.started) {
      this.crew(message.started.ranks ?? []);
      const from = Number(message.started.first_step ?? 0), source = { SOURCE_MEMORY: " from a node's memory", SOURCE_DISK: " from a checkpoint" }[message.started.source] ?? "";
      this.tell(null, "ranks", `${this.ranks.length} rank(s) begin at step ${whole(from)}${source}; ${whole(message.started.parameters)} parameters, ${whole(message.started.total_steps)} steps in all`);
    }
    if (message.crew) {
      const lost = (message.crew.lost ?? []).map(rank => `rank ${rank.rank ?? 0} on ${rank.host} ${rank.cause}`);
      const joined = message.crew.joined ? [`${message.crew.joined} joined`] : [];
      this.crew(message.crew.ranks ?? []);
      this.tell(null, "ranks", `${[...lost, ...joined].join("; ")}: going on with ${this.ranks.length} at step ${whole(message.crew.step)} after ${number(message.crew.stall_s ?? 0)} s`);
    }
    if (message.checkpoint) this.tell(null, "checkpoint", `of step ${whole(message.checkpoint.step)}, written in ${number(message.checkpoint.write_s ?? 0)} s; training stood still for ${number(message.checkpoint.stall_s ?? 0)} s`);
    if (message.checkpoint_failed) this.tell(null, "checkpoint", `of step ${whole(message.checkpoint_failed.step)} could not be written: ${message.checkpoint_failed.cause}`);
  }

  tell(time, what, text) {
    this.list.prepend(el("li", {}, el("time", { textContent: time ? moment(time) : "" }), typeof what === "string" ? el("span", { className: "muted", textContent: what }) : what,
      el("span", { className: "what", textContent: text })));
  }

  crew(ranks) {
    this.ranks = ranks;
    const hosts = new Map();
    ranks.forEach((rank, number) => hosts.set(rank.host, [...hosts.get(rank.host) ?? [], { ...rank, number }]));
    this.none.hidden = hosts.size > 0;
    this.hosts.replaceChildren(...[...hosts].map(([host, members]) => el("section", { className: "panel host" },
      el("h3", { textContent: host }), el("p", { className: "muted", textContent: `${members.length} rank(s)` }),
      el("ul", {}, ...members.map(rank => el("li", { textContent: `rank ${rank.number} · ${rank.pid}`, title: "process id" }))))));
  }
}
