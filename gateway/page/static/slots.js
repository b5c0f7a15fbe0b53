// The places for pictures: one, or two to compare. Each has its canvas, its name and its own ways to fill it.

import { make } from "./dom.js";
import { Surface } from "./surface.js";
import { number, t } from "./texts.js";

const HIGHEST = 0.7; // of the window's height

export class Slots {
  /** `fill(files, index)` is called where somebody chooses, drops or pastes files. */
  constructor(root, fill) {
    this.root = root;
    this.fill = fill;
    this.slots = [];
    this.listen();
  }

  /** Have `count` places, without pictures. */
  build(count) {
    this.slots = Array.from({ length: count }, (_, index) => this.slot(index, count));
    this.root.replaceChildren(...this.slots.map(({ figure }) => figure));
    this.root.classList.toggle("pair", count > 1);
  }

  slot(index, count) {
    const canvas = make("canvas", { role: "img", hidden: true });
    const empty = make("p", { className: "empty", textContent: t("drop") });
    const caption = make("figcaption");
    const name = count > 1 ? ` ${"AB"[index]}` : "";
    const figure = make(
      "figure",
      {},
      canvas,
      empty,
      caption,
      make("div", { className: "sources" }, this.chooser("choose", name, index), this.chooser("photograph", name, index)),
    );
    figure.dataset.slot = index;
    return { figure, canvas, empty, caption };
  }

  /** A button that opens the device's own dialogue for files, or its camera. */
  chooser(kind, name, index) {
    const input = make("input", {
      type: "file",
      accept: "image/*",
      id: `${kind}-${index}`,
      onchange: () => {
        if (input.files.length) this.fill([...input.files], index);
        input.value = ""; // so that the same file can be chosen again
      },
    });
    if (kind === "photograph") input.setAttribute("capture", "environment");
    return make("label", { className: `button ${kind}` }, input, t(kind) + name);
  }

  /** Show `pictures`, null where there is none yet, and return a surface for each, or null without all of them. */
  show(pictures, description) {
    const shown = this.slots.map((slot, index) => this.showOne(slot, pictures[index], description));
    return shown.every(Boolean) ? shown : null;
  }

  showOne({ canvas, empty, caption }, picture, description) {
    empty.hidden = Boolean(picture);
    canvas.hidden = !picture?.image;
    caption.textContent = picture ? this.caption(picture) : "";
    if (!picture?.image) return null;
    canvas.setAttribute("aria-label", description || picture.name);
    const width = Math.max(120, caption.clientWidth);
    const surface = new Surface(canvas, picture, { width, height: Math.max(200, window.innerHeight * HIGHEST) });
    surface.image(picture.image);
    return surface;
  }

  caption({ name, width, height, image }) {
    return image ? `${name}, ${number(width)} × ${number(height)}` : `${name}: ${t("unseen")}`;
  }

  listen() {
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      this.root.classList.add("over");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) this.root.classList.remove("over");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.root.classList.remove("over");
      const slot = event.target.closest?.("[data-slot]");
      this.fill([...event.dataTransfer.files], slot ? Number(slot.dataset.slot) : null);
    });
    document.addEventListener("paste", (event) => {
      if (event.clipboardData.files.length) this.fill([...event.clipboardData.files], null);
    });
  }
}
