// What the ranks printed: the newest lines, older ones on demand, new ones as they come.

import { call, stream } from "./api.js";
import { el, put } from "./format.js";

const MOST_LINES = 5000, PAGE = 500;

export class Logs {
  constructor(id, signal) {
    this.id = id;
    signal.addEventListener("abort", () => this.stop?.abort());
    this.rank = el("select", { title: "Of which rank", onchange: () => this.restart() }, el("option", { value: "", textContent: "all ranks" }));
    this.attempt = el("select", { title: "Of which start of the ranks", hidden: true, onchange: () => this.restart() }, el("option", { value: "", textContent: "all attempts" }));
    this.loud = el("input", { type: "checkbox", onchange: () => this.restart() });
    this.search = el("input", { type: "search", placeholder: "with this text, or /regex/", ariaLabel: "Lines with this text, or /regular expression/", oninput: () => { clearTimeout(this.typed); this.typed = setTimeout(() => this.restart(), 300); } });
    this.older = el("button", { textContent: "Older lines", onclick: () => this.back() });
    this.said = el("span");
    this.lines = el("div", { className: "panel lines", tabIndex: 0, role: "log", ariaLive: "off", ariaLabel: "What the ranks printed" });
    this.node = el("div", {}, el("div", { className: "tools" }, this.attempt, this.rank, el("label", {}, this.loud, "errors only"), this.search, this.older, this.said), this.lines);
    this.restart();
  }

  // The ranks that can be chosen.
  setRanks(count) {
    for (let rank = this.rank.options.length - 1; rank < count; rank += 1) this.rank.append(el("option", { value: rank, textContent: `rank ${rank}` }));
  }

  // The attempts that can be chosen: a choice only where there is more than one.
  setAttempts(count) {
    for (let attempt = this.attempt.options.length; attempt <= count; attempt += 1) this.attempt.append(el("option", { value: attempt, textContent: `attempt ${attempt}` }));
    this.attempt.hidden = this.attempt.options.length < 3;
  }

  filter() {
    const expression = this.search.value.match(/^\/(.+)\/$/);
    return { ...(this.rank.value === "" ? {} : { ranks: [Number(this.rank.value)] }), ...(this.loud.checked ? { level: "LOG_LEVEL_ERROR" } : {}),
      ...(this.attempt.value === "" ? {} : { attempt: Number(this.attempt.value) }), ...(expression ? { match: expression[1] } : { contains: this.search.value }) };
  }

  async restart() {
    this.stop?.abort();
    const stop = this.stop = new AbortController(), filter = this.filter();
    try {
      const { lines, offset, end } = await this.pages(0, filter);
      if (stop.signal.aborted) return;
      this.lines.replaceChildren();
      this.put(lines, "append");
      this.start = offset;
      this.lines.scrollTop = this.lines.scrollHeight;
      this.told();
      await stream("LogService/WatchLogs", last => ({ job_id: this.id, offset_bytes: last?.offset_bytes ?? end, filter }), message => this.add(message.lines ?? []),
        message => message.ended, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) put(this.said, error.message);
    }
  }

  // Backwards until there is something to show.
  async pages(offset, filter) {
    let lines = [], end = null, page;
    do {
      page = await call("LogService/ReadLogs", { job_id: this.id, before: true, page_size: PAGE, offset_bytes: offset, filter });
      lines = [...page.lines ?? [], ...lines];
      end ??= page.end_bytes ?? "0";
      offset = page.offset_bytes ?? "0";
    } while (page.more && lines.length < PAGE / 2);
    return { lines, end, offset: page.more ? offset : null };
  }

  async back() {
    const { lines, offset } = await this.pages(this.start, this.filter()), height = this.lines.scrollHeight;
    this.put(lines, "prepend");
    this.lines.scrollTop += this.lines.scrollHeight - height;
    this.start = offset;
    this.told();
  }

  add(lines) {
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 30;
    this.put(lines, "append");
    while (this.lines.children.length > MOST_LINES && atEnd) this.lines.firstChild.remove();
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
    this.told();
  }

  // Where another attempt begins than the line before is of, the line says so.
  put(lines, where) {
    const nodes = lines.map(shown), stood = this.lines[where === "append" ? "lastChild" : "firstChild"], row = where === "append" ? [stood, ...nodes] : [...nodes, stood];
    this.lines[where](...nodes);
    row.forEach((node, place) => { if (place && node && row[place - 1] && node.of !== row[place - 1].of) node.dataset.begins = `attempt ${node.of}`; });
    this.setAttempts(Math.max(0, ...nodes.map(node => node.of)));
  }

  told() {
    this.older.hidden = this.start === null;
    const count = this.lines.children.length;
    put(this.said, count ? `${count.toLocaleString("en")} lines` : "no lines");
  }
}

function shown(line) {
  return el("div", { className: line.level === "LOG_LEVEL_ERROR" ? "loud" : "", of: line.attempt ?? 1 }, el("span", { textContent: line.rank ?? "" }), el("p", { textContent: line.text ?? "" }));
}
