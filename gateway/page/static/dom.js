// Elements without markup: texts never become HTML.

/** An element `tag` with properties, attributes (names with a dash, and role), listeners (on...) and children. */
export function make(tag, options = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

/** A small field of `colour` beside a word. */
export function swatch(colour) {
  const field = make("span", { className: "swatch", "aria-hidden": "true" });
  field.style.backgroundColor = colour;
  return field;
}

/** A line of a bar chart: a share of 0 to 1. */
export function bar(share) {
  const filled = make("span");
  filled.style.width = `${100 * Math.max(0, Math.min(1, share))}%`;
  return make("span", { className: "share", "aria-hidden": "true" }, filled);
}
