// Answers that say of every pixel what it shows. The names of classes come from the gateway: page/facts.json.

import { bar, make, swatch } from "./dom.js";
import { decoded, tinted } from "./pictures.js";
import { colour, rgba } from "./surface.js";
import { percent, t } from "./texts.js";

const TINT = 150; // of 255
const DARK = [0, 0, 0, 190];

export const people = {
  prepare: async (answer) => {
    const mask = await decoded(answer.mask, "image/png");
    return { veil: tinted(mask, (value) => (value ? null : DARK)).canvas };
  },
  draw: ([surface], { veil }) => surface.image(veil),
  summary: (answer) => t("people", { share: percent(Number(answer.human_ratio)) }),
  details: (answer) => [
    make("p", { className: "figure", textContent: percent(Number(answer.human_ratio)) }),
    bar(Number(answer.human_ratio)),
    make("p", { className: "hint", textContent: t("people.hint") }),
  ],
};

export const kinds = {
  prepare: async (answer, _pictures, facts) => {
    const preds = await decoded(answer.preds, "image/png");
    const { canvas, counts } = tinted(preds, (value) => (value ? rgba(value, TINT) : null));
    return { canvas, shares: shares(counts, facts.voc_classes) };
  },
  draw: ([surface], { canvas }) => surface.image(canvas),
  summary: (answer, shown) => {
    const names = shown.shares.filter(({ id }) => id).map(({ name, share }) => `${name} ${percent(share)}`);
    return names.join(", ") || t("background");
  },
  details: (answer, shown) => [
    make(
      "ul",
      { className: "bars" },
      ...shown.shares.map(({ id, name, share }) =>
        make(
          "li",
          {},
          make("span", {}, swatch(id ? colour(id) : "transparent"), name),
          bar(share),
          make("span", { textContent: percent(share) }),
        ),
      ),
    ),
  ],
};

/** Return {id, name, share} of each class that there is, the largest first. */
function shares(counts, names) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return counts
    .map((count, id) => ({ id, name: names[id] ?? String(id), share: count / all }))
    .filter(({ share }) => share > 0)
    .sort((one, other) => other.share - one.share);
}
