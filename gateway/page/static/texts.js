// Every word on the page, in the language that its reader wants. The tables are texts.LANGUAGE.json.

export const LANGUAGES = ["en", "zh"];
const REMEMBERED = "modelhub.language";

let table = {};
let current = LANGUAGES[0];

/** The language chosen on this page before, or the first of the browser's that there is a table for. */
export function preferred() {
  const wanted = [remembered(), ...navigator.languages].map((tag) => (tag ?? "").toLowerCase().split("-")[0]);
  return wanted.find((language) => LANGUAGES.includes(language)) ?? LANGUAGES[0];
}

/** Load the table of `language` and put its words everywhere in the document. */
export async function use(language) {
  const response = await fetch(`page/texts.${language}.json`);
  if (!response.ok) throw new Error(`texts.${language}.json: HTTP ${response.status}`);
  table = await response.json();
  current = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  put(document);
}

export function remember(language) {
  try {
    localStorage.setItem(REMEMBERED, language);
  } catch {
    // Storage may be switched off: then the choice holds for this visit.
  }
}

function remembered() {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

/** The text `key` with `{name}` replaced by values; the key itself where there is none. */
export function t(key, values = {}) {
  return (table[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** The text `key`, or `otherwise` where there is none. */
export function tOr(key, otherwise) {
  return table[key] ?? otherwise;
}

/** Which of `texts`, by language, its reader wants. */
export function spoken(texts) {
  return texts[current];
}

/** Put words wherever `root` asks for them by data-text and data-label. */
export function put(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]"))
    element.setAttribute("aria-label", t(element.dataset.label));
}

/** A number as this language writes it. */
export function number(value, digits = 0) {
  return value.toLocaleString(current, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function percent(share) {
  if (share > 0 && share < 0.01) return "< 1 %";
  return `${number(Math.round(share * 100))} %`;
}
