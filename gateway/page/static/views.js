// How each service's answer is shown: one row a service.
//
// A view has `query`, what is appended to the service's address; `prepare`, which makes of the answer and its
// pictures what is drawn; `draw`, which draws that on a surface for each picture; `summary`, the answer in a
// line; `details`, the answer as elements; `tools`, what its reader can change about the drawing. Of what is
// drawn, `marked` is the detection or product that its reader points at, and `off` that nothing is drawn.

import { boxes, products, readings, things } from "./detections.js";
import { bar, make } from "./dom.js";
import { decoded, grey } from "./pictures.js";
import { kinds, people } from "./segments.js";
import { number, percent, t } from "./texts.js";

const SHOWN_CLASSES = 10;
const DIFFERENT = 80; // the contract's: less is different pictures
const MASKS = "?mask_format=png"; // lists of every pixel are what makes answers slow

const plain = {
  query: "",
  prepare: async (answer) => answer,
  draw: () => {},
  tools: () => [],
  summary: () => t("answered"),
  details: () => [],
};

/** Of a view that draws over the picture: whether it does. */
const annotated = {
  ...plain,
  tools: (shown, redraw) => [
    make("label", {}, make("input", {
      type: "checkbox",
      checked: !shown.off,
      onchange: (event) => {
        shown.off = !event.target.checked;
        redraw();
      },
    }), t("drawing")),
  ],
};

const classes = {
  ...plain,
  summary: (answer) => {
    const [[name, share]] = likeliest(answer);
    return `${name}, ${percent(share)}`;
  },
  details: (answer) => [
    make("h2", { textContent: t("likeliest") }),
    make(
      "ul",
      { className: "bars" },
      ...likeliest(answer).map(([name, share]) =>
        make("li", {}, make("span", { textContent: name }), bar(share), make("span", { textContent: percent(share) })),
      ),
    ),
  ],
};

function likeliest(answer) {
  return Object.entries(answer.class_probs)
    .sort(([, one], [, other]) => other - one)
    .slice(0, SHOWN_CLASSES);
}

const similarity = {
  ...plain,
  summary: (answer) => t("similar", { similarity: number(answer.similarity, 1) }),
  details: (answer) => [
    make("p", { className: "figure" }, number(answer.similarity, 1), make("small", { textContent: t("of100") })),
    bar(answer.similarity / 100),
    make("p", { textContent: t(answer.similarity < DIFFERENT ? "different" : "alike") }),
    make("p", { className: "hint", textContent: t("distance", { distance: number(answer.l2_distance, 3) }) }),
  ],
};

const colours = {
  ...plain,
  prepare: async (answer, [picture]) => ({
    coloured: await decoded(answer.out_image, ""),
    grey: picture.image && grey(picture.image),
    split: 0.5,
  }),
  draw: ([surface], shown) => surface.split(shown.grey, shown.coloured, shown.split),
  summary: () => t("coloured"),
  tools: (shown, redraw) => [
    make("label", { htmlFor: "split", textContent: t("split") }),
    make("input", {
      id: "split",
      type: "range",
      min: 0,
      max: 100,
      value: 100 * shown.split,
      oninput: (event) => {
        shown.split = Number(event.target.value) / 100;
        redraw();
      },
    }),
  ],
};

const VIEWS = {
  image_classification: classes,
  scene_classification: classes,
  image_similarity: similarity,
  foreground_segmentation: { ...annotated, ...people, query: MASKS },
  semantic_segmentation: { ...annotated, ...kinds, query: MASKS },
  object_detection: { ...annotated, ...boxes },
  instance_segmentation: { ...annotated, ...things, query: MASKS },
  shelf_counting: { ...annotated, ...products },
  image_colorization: colours,
  ocr: { ...annotated, ...readings },
};

/** The view of `service`; of one that the page does not know yet, the picture as it is. */
export function viewOf(service) {
  return VIEWS[service] ?? plain;
}
