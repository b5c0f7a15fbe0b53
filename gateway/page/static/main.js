// The page: a service and its pictures are chosen, the gateway is asked, the answer is shown.

import { ask, introduction, sample } from "./api.js";
import { byId, make } from "./dom.js";
import { read } from "./pictures.js";
import * as report from "./report.js";
import { Slots } from "./slots.js";
import { preferred, remember, spoken, t, use } from "./texts.js";
import { viewOf } from "./views.js";

const PAUSE_MS = 300; // before a changed service is asked: arrow keys pass over those between

const state = {
  facts: { services: {} },
  samples: {},
  service: "",
  pictures: [], // what is in each slot; more than one slot's are kept for the next service of two
  answered: null, // {answer, blob, shown, told, ...}: what is on the page now
  running: null, // AbortController of the request in flight
};
const slots = new Slots(byId("slots"), (files, index) => fill(files, index));

const fields = () => state.facts.services[state.service].pictures;
const isComplete = () => fields().every((_, index) => state.pictures[index]);
const token = () => byId("token").value.trim();

async function start() {
  await use(preferred());
  try {
    Object.assign(state, await introduction());
  } catch (error) {
    report.fail({ code: "network", message: error.message });
    return;
  }
  listen();
  report.copying();
  const named = location.hash.slice(1);
  choose(Object.hasOwn(state.facts.services, named) ? named : Object.keys(state.facts.services)[0]);
}

function listen() {
  byId("service").addEventListener("change", (event) => choose(event.target.value, PAUSE_MS));
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
  byId("token").addEventListener("change", () => showCode());
  new ResizeObserver(([{ contentRect }]) => fit(contentRect.width)).observe(byId("stage"));
}

/** Draw anew where there is another width; drawing changes the height itself. */
function fit(width) {
  if (fit.width !== width) draw();
  fit.width = width;
}

async function speak(language) {
  await use(language);
  remember(language);
  const { answered } = state;
  build();
  state.answered = answered;
  if (answered) present();
  else await send(); // a failure is told again, in the other language
}

/** Have another service, and ask it about the pictures there are after `pauseMs`. */
function choose(service, pauseMs = 0) {
  state.service = service;
  history.replaceState(null, "", `#${service}`);
  build();
  clearTimeout(choose.waiting);
  choose.waiting = setTimeout(() => send(), pauseMs);
}

/** Build what depends on service and language: no answer is shown after it. */
function build() {
  state.running?.abort();
  state.answered = null;
  report.clear();
  report.status("");
  const options = Object.entries(state.facts.services).map(([name, { title }]) =>
    make("option", { value: name, textContent: `${spoken(title)} (${name})`, selected: name === state.service }),
  );
  byId("service").replaceChildren(...options);
  byId("about").textContent = spoken(state.facts.services[state.service].about);
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(document.documentElement.lang.startsWith(button.lang)));
  }
  buildSamples();
  slots.build(fields().length);
  draw();
  showCode();
  byId("go").disabled = !isComplete();
}

function buildSamples() {
  const rows = state.samples[state.service] ?? [];
  byId("samples").hidden = !rows.length;
  byId("samples").querySelector("ul").replaceChildren(
    ...rows.map((names) => {
      const pictures = names.map((name) => make("img", { src: `samples/${name}`, alt: "", loading: "lazy" }));
      const label = names.map((name) => name.replace(/\.\w+$/, "").replaceAll("_", " ")).join(" + ");
      const button = { type: "button", "aria-label": label, onclick: () => take(names) };
      return make("li", {}, make("button", button, ...pictures));
    }),
  );
}

/** Put sample pictures into the slots; of several that are under way, only those asked for last. */
async function take(names) {
  take.latest = names;
  let files, fault;
  try {
    files = await Promise.all(names.map(sample));
  } catch (error) {
    fault = error;
  }
  if (take.latest !== names) return;
  if (files) return fill(files, 0);
  state.running?.abort();
  report.clear();
  failed({ code: "network", message: fault.message });
}

/** Put files into the slots, from `index` on, or into the first empty one, and ask. */
async function fill(files, index) {
  if (!files.length) return;
  const count = fields().length;
  const empty = fields().findIndex((_, slot) => !state.pictures[slot]);
  const from = files.length >= count ? 0 : (index ?? Math.max(0, empty));
  const pictures = await Promise.all(files.slice(0, count).map(read));
  pictures.forEach((picture, offset) => {
    state.pictures[from + offset] = picture;
  });
  state.answered = null;
  report.clear();
  draw();
  showCode();
  byId("go").disabled = !isComplete();
  await send();
}

/** Ask the service about the pictures, if they are all there, and show what it answers. */
async function send() {
  clearTimeout(choose.waiting); // what it would ask is asked now
  state.running?.abort();
  if (!isComplete()) return;
  const { signal } = (state.running = new AbortController());
  report.clear();
  report.status(t("asking"), true);
  try {
    const files = fields().map((_, index) => state.pictures[index].file);
    const request = { service: state.service, query: viewOf(state.service).query, fields: fields(), files };
    const result = await ask({ ...request, token: token(), signal });
    signal.throwIfAborted(); // it may have been given up while its answer was read
    if (result.failure) failed(result.failure);
    else await answeredWith(result, signal);
  } catch (error) {
    if (error.name !== "AbortError") throw error; // another request has taken its place
  }
}

function failed(failure) {
  state.answered = null;
  draw();
  report.status("");
  report.fail(failure);
  if (failure.code === 40101) {
    byId("access").open = true;
    byId("token").focus();
  }
}

/** Show an answer, or say that it cannot be shown; AbortError where another request has taken its place. */
async function answeredWith(result, signal) {
  let shown;
  try {
    shown = await viewOf(state.service).prepare(result.answer, state.pictures, state.facts);
  } catch (error) {
    signal.throwIfAborted();
    report.json(result.answer, result.blob, state.service);
    failed({ code: "page", message: error.message });
    return;
  }
  signal.throwIfAborted();
  state.answered = { ...result, shown };
  present();
}

/** Show the answer there is. */
function present() {
  const { answer, blob, isSeeded, shown, wholeMs } = state.answered;
  const view = viewOf(state.service);
  const summary = view.summary(answer, shown);
  byId("tools").replaceChildren(...view.tools(shown, draw));
  byId("details").replaceChildren(...view.details(answer, shown, draw));
  report.time(state.answered);
  report.json(answer, blob, state.service);
  const told = t("answered.in", { summary, time: report.milliseconds(wholeMs) });
  state.answered.told = isSeeded ? `${t("seeded")} ${told}` : told;
  report.status(state.answered.told);
  draw();
}

/** Draw the pictures, and what is known of them. */
function draw() {
  if (!state.service) return;
  const { shown, told } = state.answered ?? {};
  const surfaces = slots.show(state.pictures, told);
  if (shown && surfaces && !shown.off) viewOf(state.service).draw(surfaces, shown);
}

function showCode() {
  if (!isComplete()) {
    byId("code").hidden = true;
    return;
  }
  const names = fields().map((_, index) => state.pictures[index].name);
  const { query } = viewOf(state.service);
  report.code({ service: state.service, query, fields: fields(), names, hasToken: Boolean(token()) });
}

start();
