// A canvas that a picture and an answer are drawn on, sharp at the size at which it is seen.

const FONT = "13px system-ui, 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif";
const LINE = 18; // height of a label, in CSS pixels
const ENLARGED = 2.5; // how much larger than it is a small picture is shown at most

/** Return the colour `index` of many as [r, g, b, a] of 0 to 255: far from those of near indices. */
export function rgba(index, alpha) {
  const hue = ((index * 0.618034) % 1) * 6; // steps of the golden section round the wheel
  const [chroma, least] = [184, 15];
  const x = chroma * (1 - Math.abs((hue % 2) - 1));
  const sectors = [[chroma, x, 0], [x, chroma, 0], [0, chroma, x], [0, x, chroma], [x, 0, chroma], [chroma, 0, x]];
  return [...sectors[Math.floor(hue)].map((share) => Math.round(share + least)), alpha];
}

/** The same as "#rrggbb". */
export function colour(index) {
  const parts = rgba(index, 255).slice(0, 3);
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Black or white, whichever is legible on "#rrggbb". */
function inkOn(paper) {
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(paper.slice(at, at + 2), 16));
  return 0.299 * red + 0.587 * green + 0.114 * blue > 110 ? "#000" : "#fff";
}

export class Surface {
  /** Fit `canvas` into `room` CSS pixels, {width, height}, for `picture`; one CSS pixel is a unit from here on. */
  constructor(canvas, picture, room) {
    this.picture = picture;
    const k = Math.min(room.width / picture.width, room.height / picture.height, ENLARGED);
    this.width = Math.max(1, Math.round(picture.width * k));
    this.height = Math.max(1, Math.round(picture.height * k));
    this.k = this.width / picture.width; // CSS pixels for each of the picture's
    const dense = Math.min(window.devicePixelRatio || 1, 3);
    canvas.width = Math.round(this.width * dense);
    canvas.height = Math.round(this.height * dense);
    canvas.style.width = `${this.width}px`;
    this.context = canvas.getContext("2d");
    this.context.setTransform(dense, 0, 0, dense, 0, 0);
    this.context.imageSmoothingQuality = "high";
    this.context.font = FONT;
    this.context.textBaseline = "middle";
    this.taken = []; // where labels are
  }

  /** Draw an image over the whole, or over `part` of it in the picture's pixels. */
  image(image, part = { left: 0, top: 0, width: this.picture.width, height: this.picture.height }) {
    const { k } = this;
    this.context.drawImage(image, part.left * k, part.top * k, part.width * k, part.height * k);
  }

  /** Draw what is left of `share` of the width with the one image, what is right of it with the other. */
  split(left, right, share) {
    const edge = Math.round(this.width * share);
    this.image(left);
    this.context.save();
    this.context.beginPath();
    this.context.rect(edge, 0, this.width - edge, this.height);
    this.context.clip();
    this.image(right);
    this.context.restore();
    this.context.fillStyle = "#fff";
    this.context.fillRect(edge - 1, 0, 2, this.height);
  }

  /** Draw a box, [top, left, bottom, right] in the picture's pixels. */
  box([top, left, bottom, right], paint, { strong = false, faint = false } = {}) {
    const { context, k } = this;
    context.globalAlpha = faint ? 0.25 : 1;
    context.lineWidth = strong ? 4 : 2;
    context.strokeStyle = paint;
    context.strokeRect(left * k, top * k, (right - left) * k, (bottom - top) * k);
    context.globalAlpha = 1;
  }

  /** Write `text` on `paint`, "#rrggbb", above the point (x, y) of the picture, or where there is room near it. */
  label(text, x, y, paint) {
    const { context, k } = this;
    const width = Math.min(context.measureText(text).width + 8, this.width);
    const left = Math.max(0, Math.min(x * k, this.width - width));
    const tops = [y * k - LINE, y * k, y * k + LINE, y * k - 2 * LINE];
    const places = tops.map((top) => ({
      left,
      top: Math.max(0, Math.min(top, this.height - LINE)),
      width,
    }));
    const place = places.find((one) => !this.taken.some((other) => overlap(one, other)));
    if (!place) return; // the list beside the picture has it
    this.taken.push(place);
    context.fillStyle = paint;
    context.fillRect(place.left, place.top, width, LINE);
    context.fillStyle = inkOn(paint);
    context.fillText(text, place.left + 4, place.top + LINE / 2 + 1, width - 8);
  }

  /** Write `text` over the four corners [y, x] of where it was read, along its reading direction. */
  reading(corners, text, { strong = false } = {}) {
    const { context, k } = this;
    const [[y0, x0], [y1, x1], , [y3, x3]] = corners;
    const length = Math.hypot(x1 - x0, y1 - y0) * k;
    const height = Math.hypot(x3 - x0, y3 - y0) * k;
    context.save();
    context.beginPath();
    corners.forEach(([y, x]) => context.lineTo(x * k, y * k));
    context.closePath();
    context.fillStyle = strong ? "rgb(255 240 170 / 95%)" : "rgb(255 255 255 / 85%)";
    context.fill();
    context.lineWidth = strong ? 3 : 1;
    context.strokeStyle = "#b3124b";
    context.stroke();
    context.translate(x0 * k, y0 * k);
    context.rotate(Math.atan2(y1 - y0, x1 - x0));
    context.font = FONT.replace("13px", `${Math.max(6, Math.round(height * 0.72))}px`);
    context.fillStyle = "#b3124b";
    context.fillText(text, 2, height / 2, Math.max(4, length - 4));
    context.restore();
  }
}

function overlap(one, other) {
  return (
    Math.abs(one.top - other.top) < LINE &&
    one.left < other.left + other.width &&
    other.left < one.left + one.width
  );
}
