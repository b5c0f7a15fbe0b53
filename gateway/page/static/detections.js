// Answers that are lists of detections: boxes, things with masks, products on a shelf, lines of text.

import { make, swatch } from "./dom.js";
import { decoded, tinted } from "./pictures.js";
import { colour, rgba } from "./surface.js";
import { number, percent, t } from "./texts.js";

const ACCENT = "#b3124b";
const TINT = 130; // of 255

/**
 * What was found, a button a row: who points at one, by mouse, touch or keyboard, marks it in the picture. One
 * stop of the tab key, and arrow keys within: a shelf has sixty rows.
 */
function list(rows, shown, redraw) {
  const mark = (id) => () => {
    shown.marked = id;
    redraw();
  };
  const buttons = rows.map(({ id, paint, name, value }, index) =>
    make(
      "button",
      {
        type: "button",
        tabIndex: index ? -1 : 0,
        onpointerenter: mark(id),
        onpointerleave: mark(null),
        onfocus: mark(id),
        onblur: mark(null),
      },
      swatch(paint),
      make("span", { textContent: name }),
      make("span", { className: "value", textContent: value }),
    ),
  );
  return make(
    "div",
    {
      className: "found",
      role: "toolbar",
      "aria-orientation": "vertical",
      "aria-label": t("found.label"),
      onkeydown: (event) => move(event, buttons),
    },
    ...buttons,
  );
}

function move(event, buttons) {
  const at = buttons.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined || !buttons[to]) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  buttons[to].tabIndex = 0;
  buttons[to].focus();
}

function found(answer) {
  const count = answer.detection_boxes.length;
  return count ? t("found", { count: number(count) }) : t("nothing");
}

function detected(answer) {
  return answer.detection_boxes.map((box, id) => ({
    id,
    box,
    name: answer.detection_class_names[id],
    score: answer.detection_scores[id],
    paint: colour(id),
  }));
}

/** Draw boxes with names and scores: what is marked last and strongly, everything else faintly meanwhile. */
function drawBoxes(surface, rows, isMarked) {
  const some = rows.some(isMarked);
  rows.forEach((row) => surface.box(row.box, row.paint, { strong: isMarked(row), faint: some && !isMarked(row) }));
  for (const row of some ? rows.filter(isMarked) : rows) {
    const [top, left] = row.box;
    surface.label(`${row.name} ${percent(row.score)}`, left, top, row.paint);
  }
}

export const boxes = {
  prepare: async (answer) => ({ rows: detected(answer), marked: null }),
  draw: ([surface], { rows, marked }) => drawBoxes(surface, rows, (row) => row.id === marked),
  summary: found,
  details: (answer, shown, redraw) => [
    list(
      shown.rows.map((row) => ({ ...row, value: percent(row.score) })),
      shown,
      redraw,
    ),
  ],
};

export const things = {
  ...boxes,
  prepare: async (answer) => {
    const rows = detected(answer);
    const masks = await Promise.all(answer.detection_masks.map((mask) => decoded(mask, "image/png")));
    const tints = rows.map(({ box }, id) => tint(masks[id], box, id));
    return { rows, tints, marked: null };
  },
  draw: ([surface], { rows, tints, marked }) => {
    tints.forEach(({ canvas, part }, id) => (marked === null || marked === id) && surface.image(canvas, part));
    drawBoxes(surface, rows, (row) => row.id === marked);
  },
};

/** The mask of a thing in its colour. It lies within its box: nothing else is looked at. */
function tint(mask, [top, left, bottom, right], id) {
  const [x, y] = [Math.floor(left), Math.floor(top)];
  const part = {
    left: x,
    top: y,
    width: Math.max(1, Math.min(mask.width, Math.ceil(right)) - x),
    height: Math.max(1, Math.min(mask.height, Math.ceil(bottom)) - y),
  };
  return { part, ...tinted(mask, (value) => (value ? rgba(id, TINT) : null), part) };
}

export const products = {
  prepare: async (answer) => {
    const names = Object.keys(answer.product_count);
    const paints = Object.fromEntries(names.map((name, index) => [name, colour(index)]));
    return { paints, rows: detected(answer).map((row) => ({ ...row, paint: paints[row.name] })), marked: null };
  },
  draw: ([surface], { rows, marked }) => {
    // Hundreds of names would hide the shelf: the legend has them.
    rows.forEach((row) =>
      surface.box(row.box, row.paint, { strong: row.name === marked, faint: marked !== null && row.name !== marked }),
    );
  },
  summary: (answer) => {
    const kinds = Object.keys(answer.product_count).length;
    return kinds ? t("products", { count: number(answer.detection_boxes.length), kinds: number(kinds) }) : t("nothing");
  },
  details: (answer, shown, redraw) => [
    list(
      Object.entries(answer.product_count)
        .sort(([, one], [, other]) => other - one)
        .map(([name, count]) => ({ id: name, name, paint: shown.paints[name], value: number(count) })),
      shown,
      redraw,
    ),
  ],
};

export const readings = {
  prepare: async (answer) => ({ answer, marked: null }),
  draw: ([surface], { answer, marked }) =>
    answer.detection_keypoints.forEach((corners, id) =>
      surface.reading(corners, answer.detection_texts[id], { strong: id === marked }),
    ),
  summary: (answer) => {
    const count = answer.detection_texts.length;
    return count ? t("lines", { count: number(count) }) : t("nothing");
  },
  details: (answer, shown, redraw) => [
    list(
      answer.detection_texts.map((name, id) => ({
        id,
        name,
        paint: ACCENT,
        value: percent(answer.detection_texts_scores[id]),
      })),
      shown,
      redraw,
    ),
  ],
};
