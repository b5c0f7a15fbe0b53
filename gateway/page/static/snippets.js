// The same request from a shell and from Python. A token is never written out: it stays in a variable.

import { address } from "./api.js";

const VARIABLE = "MODELHUB_TOKEN";

/** Return the curl line that sends the files `names` as the form's `fields`. */
export function curl({ service, query, fields, names, hasToken }) {
  const parts = fields.map((field, index) => `-F ${quoted(`${field}=@"${escaped(names[index])}"`)}`);
  const token = hasToken ? [`-H "Authorization: Bearer $${VARIABLE}"`] : [];
  return ["curl -s", ...token, ...parts, quoted(address(service, query))].join(" ");
}

/** Return Python lines that do the same with the package `modelhub`. */
export function python({ service, query, names, hasToken }) {
  const url = new URL(".", document.baseURI).href.replace(/\/$/, "");
  const format = new URLSearchParams(query).get("mask_format");
  const paths = names.map((name) => `Path(${JSON.stringify(name)})`);
  const given = [JSON.stringify(service), ...paths, ...(format ? [`mask_format=${JSON.stringify(format)}`] : [])];
  return [
    ...(hasToken ? ["import os"] : []),
    "from pathlib import Path",
    "",
    "from modelhub import ModelHub",
    "",
    `with ModelHub(${JSON.stringify(url)}${hasToken ? `, token=os.environ["${VARIABLE}"]` : ""}) as hub:`,
    `    answer = hub.answer(${given.join(", ")})`,
    "    print(answer)",
  ].join("\n");
}

/** A word of a POSIX shell. */
function quoted(word) {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A file name between curl's own quotes. */
function escaped(name) {
  return name.replace(/[\\"]/g, "\\$&");
}
