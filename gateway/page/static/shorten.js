// JSON to look at: long lists, tables and texts are shortened; the whole can be downloaded.

const ITEMS = 6; // of a list, or of a table by name
const CHARACTERS = 120; // of a text
const INLINE = 76; // what fits in a line stands in one

/** Return `value` as JSON with … where something is left out. */
export function shortened(value, indent = "") {
  if (Array.isArray(value)) return group("[]", value, shortened, indent);
  if (value !== null && typeof value === "object") {
    const limit = indent ? ITEMS : Infinity; // an answer's own fields are all told
    return group("{}", Object.entries(value), entry, indent, limit);
  }
  if (typeof value === "string" && value.length > CHARACTERS) {
    return `${JSON.stringify(value.slice(0, CHARACTERS))} … ${value.length - CHARACTERS}`;
  }
  return JSON.stringify(value);
}

function group([open, close], items, write, indent, limit = ITEMS) {
  const inner = `${indent}  `;
  const written = items.slice(0, limit).map((item) => write(item, inner));
  if (items.length > limit) written.push(`… ${items.length - limit}`);
  const line = `${open}${written.join(", ")}${close}`;
  if (indent.length + line.length <= INLINE && !line.includes("\n")) return line;
  return `${open}\n${written.map((text) => inner + text).join(",\n")}\n${indent}${close}`;
}

function entry([name, value], indent) {
  return `${JSON.stringify(name)}: ${shortened(value, indent)}`;
}
