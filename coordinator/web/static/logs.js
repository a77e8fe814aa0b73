// What the ranks printed: the newest lines, older ones on demand, new ones as they come.

import { call, stream } from "./api.js";
import { el, put } from "./format.js";

const MOST_LINES = 5000, PAGE = 500;

export class Logs {
  constructor(id, signal) {
    this.id = id;
    signal.addEventListener("abort", () => this.stop?.abort());
    this.rank = el("select", { title: "Of which rank", onchange: () => this.restart() }, el("option", { value: "", textContent: "all ranks" }));
    this.loud = el("input", { type: "checkbox", onchange: () => this.restart() });
    this.search = el("input", { type: "search", placeholder: "with this text, or /regex/", oninput: () => { clearTimeout(this.typed); this.typed = setTimeout(() => this.restart(), 300); } });
    this.older = el("button", { textContent: "Older lines", onclick: () => this.back() });
    this.said = el("span");
    this.lines = el("div", { className: "panel lines", tabIndex: 0 });
    this.node = el("div", {}, el("div", { className: "tools" }, this.rank, el("label", {}, this.loud, "errors only"), this.search, this.older, this.said), this.lines);
    this.restart();
  }

  // The ranks that can be chosen.
  setRanks(count) {
    for (let rank = this.rank.options.length - 1; rank < count; rank += 1) this.rank.append(el("option", { value: rank, textContent: `rank ${rank}` }));
  }

  filter() {
    const expression = this.search.value.match(/^\/(.+)\/$/);
    return { ...(this.rank.value === "" ? {} : { ranks: [Number(this.rank.value)] }), ...(this.loud.checked ? { level: "LOG_LEVEL_ERROR" } : {}), ...(expression ? { match: expression[1] } : { contains: this.search.value }) };
  }

  async restart() {
    this.stop?.abort();
    const stop = this.stop = new AbortController(), filter = this.filter();
    try {
      const { lines, offset, end } = await this.pages(0, filter);
      if (stop.signal.aborted) return;
      this.lines.replaceChildren(...lines.map(shown));
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
    this.lines.prepend(...lines.map(shown));
    this.lines.scrollTop += this.lines.scrollHeight - height;
    this.start = offset;
    this.told();
  }

  add(lines) {
    const atEnd = this.lines.scrollHeight - this.lines.scrollTop - this.lines.clientHeight < 30;
    this.lines.append(...lines.map(shown));
    while (this.lines.children.length > MOST_LINES && atEnd) this.lines.firstChild.remove();
    if (atEnd) this.lines.scrollTop = this.lines.scrollHeight;
    this.told();
  }

  told() {
    this.older.hidden = this.start === null;
    const count = this.lines.children.length;
    put(this.said, count ? `${count.toLocaleString("en")} lines` : "no lines");
  }
}

function shown(line) {
  return el("div", { className: line.level === "LOG_LEVEL_ERROR" ? "loud" : "" }, el("span", { textContent: line.rank ?? "" }), el("p", { textContent: line.text ?? "" }));
}
