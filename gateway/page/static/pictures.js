// Picture files as the page shows them, and pictures in answers.

const LONGEST = 2048; // pixels of the copy that is drawn from: no screen shows more of it

/**
 * Return {file, name, width, height, image} of a file: the upright picture's size, to which coordinates in
 * answers refer, and a canvas of it. `image` is null where this browser cannot show the file; the gateway may.
 */
export async function read(file) {
  try {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const { width, height } = bitmap;
    const image = copied(bitmap, Math.min(1, LONGEST / Math.max(width, height)));
    bitmap.close();
    return { file, name: file.name, width, height, image };
  } catch {
    return { file, name: file.name, width: 640, height: 480, image: null };
  }
}

/** Return the picture whose file stands as Base64 in an answer. */
export async function decoded(base64, type) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  // Without conversions: in masks the grey values are the answer.
  return createImageBitmap(new Blob([bytes], { type }), {
    colorSpaceConversion: "none",
    premultiplyAlpha: "none",
  });
}

/** Return a canvas of `bitmap` `scale` times as large. */
function copied(bitmap, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return canvas;
}

/** Return `image` in shades of grey. */
export function grey(image) {
  const canvas = copied(image, 1);
  const context = canvas.getContext("2d");
  context.globalCompositeOperation = "saturation";
  context.fillStyle = "#808080";
  context.fillRect(0, 0, canvas.width, canvas.height);
  return canvas;
}

/**
 * Return a canvas in which each pixel of the mask `bitmap` has the colour [r, g, b, a] that `colourOf` returns of
 * its grey value, or none; of `part`, {left, top, width, height}, alone. At most half of LONGEST long: a mask of
 * more is looked at here and there. `counts` has how many pixels have each grey value. `bitmap` is closed.
 */
export function tinted(bitmap, colourOf, part = { left: 0, top: 0, width: bitmap.width, height: bitmap.height }) {
  const scale = Math.min(1, LONGEST / 2 / Math.max(part.width, part.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(part.width * scale));
  canvas.height = Math.max(1, Math.round(part.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, part.left, part.top, part.width, part.height, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const counts = recoloured(pixels.data, colourOf);
  context.putImageData(pixels, 0, 0);
  return { canvas, counts };
}

function recoloured(data, colourOf) {
  const counts = new Array(256).fill(0);
  const colours = new Uint32Array(256);
  const bytes = new Uint8ClampedArray(colours.buffer);
  counts.forEach((_, value) => bytes.set(colourOf(value) ?? [0, 0, 0, 0], 4 * value));
  const pixels = new Uint32Array(data.buffer);
  for (let at = 0; at < pixels.length; at += 1) {
    const value = data[4 * at]; // of grey, red is as good as any
    counts[value] += 1;
    pixels[at] = colours[value];
  }
  return counts;
}
