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
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace("e+", "e");
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

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = Number(count) || 0, unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${value.toLocaleString("en", { maximumFractionDigits: unit && value < 100 ? 1 : 0 })} ${units[unit]}`;
}

export const stateOf = job => (job.state ?? "").replace("JOB_STATE_", "").toLowerCase();
export const isFinal = state => ["succeeded", "failed", "cancelled"].includes(state);
export const share = job => Number(job.progress?.total_steps) ? 100 * Number(job.progress.step ?? 0) / Number(job.progress.total_steps) : 0;
export const badge = state => el("span", { className: "state " + state, textContent: state.toUpperCase() });
export const color = index => getComputedStyle(document.documentElement).getPropertyValue(`--c${index % 8}`).trim();

// A spec as it stands in a job file: a layer is its kind with its attributes.
export function asWritten(value) {
  if (Array.isArray(value)) return value.map(asWritten);
  if (typeof value !== "object" || value === null) return value;
  const { kind, attributes, ...rest } = value, plain = Object.fromEntries(Object.entries(rest).map(([key, item]) => [key, asWritten(item)]));
  if (kind === undefined) return attributes === undefined ? plain : { ...plain, attributes: asWritten(attributes) };
  const inside = { ...asWritten(attributes ?? {}), ...plain };
  return Object.keys(inside).length ? { [kind]: inside } : kind;
}

// Plain data as YAML, for reading.
export function yaml(value, indent = "") {
  if (Array.isArray(value)) {
    if (value.every(item => typeof item !== "object" || item === null)) return [`[${value.map(scalar).join(", ")}]`];
    return value.flatMap(item => nested(item, indent, "- "));
  }
  if (typeof value === "object" && value !== null)
    return Object.entries(value).filter(([, item]) => !isEmpty(item)).flatMap(([key, item]) => nested(item, indent, key + ": "));
  return [scalar(value)];
}

function nested(item, indent, lead) {
  const plain = typeof item !== "object" || item === null || (Array.isArray(item) && item.every(one => typeof one !== "object" || one === null));
  if (plain) return [indent + lead + yaml(item)[0]];
  if (lead === "- ") {
    const lines = yaml(item, indent + "  ");
    return [indent + "- " + lines[0].slice(indent.length + 2), ...lines.slice(1)];
  }
  return [indent + lead.trimEnd(), ...yaml(item, indent + "  ")];
}

const isEmpty = item => typeof item === "object" && item !== null && !Array.isArray(item) && !Object.keys(item).length;
const scalar = value => typeof value === "string" && !/^[\w./ -]+$/.test(value) ? JSON.stringify(value) : String(value);
