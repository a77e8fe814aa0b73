// What somebody gives to be predicted → what the call Predict takes of it.

const AS_TEXT = { csv: "csv", jsonl: "jsonl", text: "txt" }; // formats whose files are typed as they are

export async function ofFile(file) {
  return { file: file.name, content: base64(new Uint8Array(await file.arrayBuffer())) };
}

// Typed or pasted: a file in the format of the training data where that is text, else numbers for the model's one input.
export function ofText(text, spec) {
  const suffix = AS_TEXT[spec.data?.train?.kind];
  if (suffix) return { file: `typed.${suffix}`, content: base64(new TextEncoder().encode(text.trim() + "\n")) };
  const { field, shape, integer } = inputOf(spec), numbers = numbersOf(text), size = shape.reduce((product, length) => product * length, 1);
  if (!numbers.length || numbers.length % size) throw new Error(`expected ${size} numbers for each sample, shape (${shape.join(", ")}), got ${numbers.length}`);
  return { file: `${field}.npy`, data: `{npy: {path: ${field}.npy}}`, content: base64(npy(numbers, [numbers.length / size, ...shape], integer)) };
}

// What to type, in words.
export function wanted(spec) {
  const kind = spec.data?.train?.kind;
  if (kind === "text") return "A text a line.";
  if (kind in AS_TEXT) return `${kind.toUpperCase()} with the names of its columns, as in the training data; the answers may be missing.`;
  const { shape, integer } = inputOf(spec), size = shape.reduce((product, length) => product * length, 1);
  return `${size} ${integer ? "integers" : "numbers"} for each sample${shape.length > 1 ? `, shape (${shape.join(", ")})` : ""}; blanks, commas and brackets may stand between them.`;
}

// Whether something can be typed at all.
export const isTyped = spec => spec.data?.train?.kind in AS_TEXT || Boolean(inputOf(spec));

function inputOf(spec) {
  const { input, inputs = {} } = spec.model ?? {}, names = Object.keys(inputs);
  if (input?.length) return { field: "x", shape: input, integer: false };
  return names.length === 1 ? { field: inputs[names[0]].field || names[0], shape: inputs[names[0]].shape ?? [], integer: Boolean(inputs[names[0]].integer) } : null;
}

function numbersOf(text) {
  return text.split(/[\s,;[\]()]+/).filter(Boolean).map(word => {
    if (Number.isNaN(Number(word)) && word.toLowerCase() !== "nan") throw new Error(`expected a number, got "${word}"`);
    return Number(word);
  });
}

// An array as a file of NumPy's, version 1.0, as the manual of numpy.lib.format has it
function npy(numbers, shape, integer) {
  const head = `{'descr': '${integer ? "<i4" : "<f4"}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`, length = 64 * Math.ceil((head.length + 11) / 64) - 10;
  const start = [0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, length & 255, length >> 8], values = integer ? Int32Array.from(numbers) : Float32Array.from(numbers);
  return new Uint8Array([...start, ...new TextEncoder().encode(head.padEnd(length - 1) + "\n"), ...new Uint8Array(values.buffer)]);
}

function base64(content) {
  const pieces = [];
  for (let at = 0; at < content.length; at += 0x8000) pieces.push(String.fromCharCode(...content.subarray(at, at + 0x8000)));
  return btoa(pieces.join(""));
}
