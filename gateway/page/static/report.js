// What stands beside the picture: how it went, how long it took, and how to ask the same elsewhere.

import { byId, make, swatch } from "./dom.js";
import { shortened } from "./shorten.js";
import { curl, python } from "./snippets.js";
import { colour } from "./surface.js";
import { number, t, tOr } from "./texts.js";

let downloadUrl = null;

export function status(text, busy = false) {
  byId("status").textContent = text;
  byId("stage").setAttribute("aria-busy", String(busy));
}

/** Tell of a failure: its code and message, and what its reader can do. */
export function fail(failure) {
  const family = String(failure.code).startsWith("5") ? "advice.5" : "advice.other";
  const advice = tOr(`advice.${failure.code}`, t(family));
  byId("failure").replaceChildren(
    make("p", {}, make("strong", { textContent: t("failed", { code: failure.code }) })),
    make("p", { className: "message", textContent: failure.message }),
    make("p", { textContent: advice }),
    ...(failure.retryAfter ? [make("p", { textContent: t("retry", { seconds: failure.retryAfter }) })] : []),
    ...(failure.requestId ? [make("p", { className: "hint", textContent: t("id", { id: failure.requestId }) })] : []),
  );
  byId("failure").hidden = false;
}

/** Forget the answer there was. */
export function clear() {
  byId("failure").hidden = true;
  byId("failure").replaceChildren();
  byId("details").replaceChildren();
  byId("tools").replaceChildren();
  byId("time").hidden = true;
  byId("whole").hidden = true;
}

/** Show where the time went: the stages the gateway tells of, what else it did, and the way there and back. */
export function time({ stages, serverMs, wholeMs }) {
  const known = stages.reduce((sum, [, ms]) => sum + ms, 0);
  const server = serverMs ?? known;
  const rows = [...stages, ["other", Math.max(0, server - known)], ["way", Math.max(0, wholeMs - server)]];
  const bars = rows.map(([, ms], index) => {
    const part = make("span");
    part.style.flexGrow = ms;
    part.style.backgroundColor = colour(index);
    return part;
  });
  const legend = rows.map(([name, ms], index) =>
    make("li", {}, swatch(colour(index)), tOr(`stage.${name}`, name), make("span", { textContent: milliseconds(ms) })),
  );
  const whole = make("li", {}, make("strong", { textContent: t("stage.whole") }), make("span", { textContent: milliseconds(wholeMs) }));
  byId("time").querySelector(".bar").replaceChildren(...bars);
  byId("time").querySelector(".legend").replaceChildren(...legend, whole);
  byId("time").hidden = false;
}

export function milliseconds(ms) {
  return `${number(ms, ms < 10 ? 1 : 0)} ms`;
}

/** Show how to send the same request from elsewhere. */
export function code(request) {
  byId("curl").textContent = curl(request);
  byId("python").textContent = python(request);
  byId("code").hidden = false;
}

/** Show the answer's JSON, shortened; the whole is there to download. */
export function json(answer, blob, service) {
  byId("json").textContent = shortened(answer);
  if (downloadUrl) URL.revokeObjectURL(downloadUrl);
  downloadUrl = URL.createObjectURL(new Blob([blob], { type: "application/json" }));
  const link = byId("download");
  link.href = downloadUrl;
  link.download = `${service}.json`;
  link.textContent = t("download", { size: number(Math.ceil(blob.size / 1024)) });
  byId("whole").hidden = false;
}

/** Have each copy button copy its text; where the browser has no clipboard for this page there are none. */
export function copying() {
  for (const button of document.querySelectorAll(".copy")) {
    button.hidden = !navigator.clipboard;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(byId(button.dataset.copies).textContent);
      status(t("copied"));
    });
  }
}
