// Asking the gateway, as any caller does. What it answers is returned, failures too; nothing is thrown but AbortError.

const JSON_TYPE = "application/json";

/** The address of a service, below wherever this page is. */
export function address(service, query) {
  return new URL(`api/predict/${service}${query}`, document.baseURI).href;
}

/**
 * Send `files`, one for each name of `fields`, and return (`isSeeded`: by a net of random weights)
 * {answer, blob, isSeeded, stages: [[name, ms]], serverMs, wholeMs} or {failure: {code, message, requestId, retryAfter}}.
 */
export async function ask({ service, query, fields, files, token, signal }) {
  // No header can carry other characters, and no token has them.
  if (/[^\x20-\x7e]/.test(token)) return { failure: { code: 40101, message: "a token is of ASCII characters" } };
  const began = performance.now();
  let response, blob;
  try {
    const body = new FormData();
    fields.forEach((field, index) => body.append(field, files[index], files[index].name || field));
    const headers = { Accept: JSON_TYPE, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    response = await fetch(address(service, query), { method: "POST", body, headers, signal });
    blob = await response.blob();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { failure: { code: "network", message: error.message } };
  }
  const answer = await parsed(blob);
  if (answer?.success !== true) return { failure: failure(response, answer) };
  return {
    answer,
    blob,
    isSeeded: response.headers.get("X-ModelHub-Weights") === "seeded",
    wholeMs: performance.now() - began,
    ...timing(response.headers.get("Server-Timing")),
  };
}

async function parsed(blob) {
  try {
    return JSON.parse(await blob.text());
  } catch {
    return null; // not the gateway's answer: something between has answered
  }
}

function failure(response, answer) {
  return {
    code: answer?.error_code ?? `HTTP ${response.status}`,
    message: answer?.error_msg ?? response.statusText,
    requestId: answer?.request_id ?? "",
    retryAfter: response.headers.get("Retry-After"),
  };
}

/** Return {stages, serverMs} of `Server-Timing`: "queue;dur=1.2, ..., total;dur=30.1". */
export function timing(header) {
  const found = [...(header ?? "").matchAll(/([\w-]+);dur=([\d.]+)/g)].map(([, name, ms]) => [name, Number(ms)]);
  return {
    stages: found.filter(([name]) => name !== "total"),
    serverMs: found.find(([name]) => name === "total")?.[1] ?? null,
  };
}

/** Return what the page has to know of the gateway: {facts, samples}. */
export async function introduction() {
  const [facts, samples] = await Promise.all(
    ["page/facts.json", "samples/"].map(async (path) => {
      const response = await fetch(path);
      if (!response.ok) throw new Error(`${path}: HTTP ${response.status}`);
      return response.json();
    }),
  );
  return { facts, samples };
}

/** Return the sample picture `name` as a file. */
export async function sample(name) {
  const response = await fetch(`samples/${encodeURIComponent(name)}`);
  if (!response.ok) throw new Error(`${name}: HTTP ${response.status}`);
  const blob = await response.blob();
  return new File([blob], name, { type: blob.type });
}
