// Specs as they stand in job files.

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

// Every field of a spec with its value, such as optimizer.adam.learning_rate: 0.01; as coordinator/terminal/differing.py.
export function fields(value, path = "") {
  if (Array.isArray(value) && value.some(item => typeof item === "object")) return value.flatMap((item, place) => fields(item, `${path}[${place}]`));
  if (Array.isArray(value) || typeof value !== "object" || value === null) return [[path, Array.isArray(value) ? `[${value.join(", ")}]` : String(value)]];
  const { kind, attributes = {}, ...rest } = value, below = key => path ? `${path}.${key}` : key;
  return [...(kind ? [[path, kind]] : []), ...Object.keys(attributes).sort().flatMap(key => fields(attributes[key], below(`${kind}.${key}`))),
    ...Object.entries(rest).flatMap(([key, item]) => fields(item, below(key)))];
}
