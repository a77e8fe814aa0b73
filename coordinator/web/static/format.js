// Numbers, times and elements.

export function el(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Sets what differs and nothing else, so that nothing flickers and selections stay.
export function put(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function number(value) {
  value = Number(value); // not-a-number and infinities come as words
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return value.toLocaleString("en", { maximumSignificantDigits: 4, useGrouping: true });
}

export const whole = value => Math.round(Number(value) || 0).toLocaleString("en");

export function duration(seconds) {
  seconds = Math.round(Number(seconds) || 0);
  if (seconds < 60) return `${seconds} s`;
  const pad = part => String(part).padStart(2, "0"), minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${pad(seconds % 60)}`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)}:${pad(minutes % 60)}:${pad(seconds % 60)}`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}

export function moment(time) {
  const at = new Date(Number(time) * 1000), today = new Date().toDateString() === at.toDateString();
  return at.toLocaleString("en-GB", today ? { timeStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" });
}

// How long since, in its largest unit.
export function ago(time) {
  const seconds = Date.now() / 1000 - Number(time);
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]]) if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  return "just now";
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Number(count) || 0, unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${value.toLocaleString("en", { maximumFractionDigits: unit && value < 100 ? 1 : 0 })} ${units[unit]}`;
}

// Short times in milliseconds.
export const brief = seconds => seconds < 1 ? `${number(Math.max(0, 1000 * seconds).toPrecision(3))} ms` : `${number(seconds)} s`;
export const many = (count, thing) => `${whole(count)} ${thing}${Number(count) === 1 ? "" : "s"}`;
// What a series is called: episodes are played for the evaluation, other samples are held out for it.
export const title = series => (!series.startsWith("eval_") ? "" : series.endsWith("episode_return") ? "evaluated " : "held-out ") + series.replace(/^eval_/, "").replaceAll("_", " ");
export const stateOf = job => (job.state ?? "").replace("JOB_STATE_", "").toLowerCase();
export const isFinal = state => ["succeeded", "failed", "cancelled"].includes(state);
export const share = job => Number(job.progress?.total_steps) ? 100 * Number(job.progress.step ?? 0) / Number(job.progress.total_steps) : 0;
export const badge = state => el("span", { className: "state " + state, textContent: state.toUpperCase() });
export const color = index => getComputedStyle(document.documentElement).getPropertyValue(`--c${index % 8}`).trim();

// Hands a file to the browser, which asks where to or knows it.
export function save(blob, name) {
  const link = el("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}
