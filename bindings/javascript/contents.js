/**
 * What the core is made of: npm run contents. Bytes of code by crate, as the names of functions say, and bytes of data; of the file that the compiler
 * wrote, which still has the names (target/wasm32-unknown-unknown/release). What a crate is generic over counts for the crate that it is of.
 */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const BUILT = fileURLToPath(new URL("../../target/wasm32-unknown-unknown/release/windlass_javascript.wasm", import.meta.url));
const bytes = readFileSync(process.argv[2] ?? BUILT);
/** How many crates, and how many functions, are named one by one. */
const [CRATES, FUNCTIONS] = [30, Number(process.env.WINDLASS_FUNCTIONS ?? 0)];

/** Reads numbers and names where it stands. */
class Reader {
  constructor(at, end) {
    this.at = at;
    this.end = end;
  }
  number() {
    let [number, shift, byte] = [0, 1, 0];
    do {
      byte = bytes[this.at++];
      number += (byte & 127) * shift;
      shift *= 128;
    } while (byte & 128);
    return number;
  }
  part() {
    const end = this.number() + this.at;
    const part = new Reader(this.at, end);
    this.at = end;
    return part;
  }
  name() {
    const part = this.part();
    return bytes.toString("utf8", part.at, part.end);
  }
}

/** The crate of a mangled name, of either kind. */
function crateOf(name) {
  const old = /^_ZN(\d+)(.*)$/.exec(name);
  if (old !== null) {
    const first = old[2].slice(0, Number(old[1]));
    // An implementation: `_<windlass..x as core..y>`.
    return /([a-zA-Z]\w*)(?:\.\.|$)/.exec(first.replaceAll(/\$\w+\$|^_/g, " "))?.[1] ?? first;
  }
  const crate = /C(?:s[0-9a-zA-Z]*_)(\d+)_?(\w+)/.exec(name);
  if (name.startsWith("_R") && crate !== null) return crate[2].slice(0, Number(crate[1]));
  return "(others)";
}

const sections = [];
for (const file = new Reader(8, bytes.length); file.at < file.end; ) sections.push({ id: bytes[file.at++], body: file.part() });
const section = (id) => sections.find((one) => one.id === id).body;

let imported = 0;
for (let imports = section(2), left = imports.number(); left > 0; left--) {
  imports.name();
  imports.name();
  if (bytes[imports.at++] !== 0) throw new Error("something else than a function is imported");
  imports.number();
  imported += 1;
}
const sizes = [];
for (let code = section(10), left = code.number(); left > 0; left--) {
  const body = code.part();
  sizes.push(body.end - body.at);
}
const names = new Map();
for (const { id, body } of sections) {
  if (id !== 0 || body.name() !== "name") continue;
  while (body.at < body.end) {
    const kind = bytes[body.at++];
    const part = body.part();
    if (kind === 1) for (let left = part.number(); left > 0; left--) names.set(part.number(), part.name());
  }
}

const kilobytes = (size) => `${(size / 1000).toFixed(1).padStart(8)} kB`;
const crates = new Map();
const functions = sizes.map((size, index) => ({ size, name: names.get(imported + index) ?? "" }));
for (const { size, name } of functions) crates.set(crateOf(name), (crates.get(crateOf(name)) ?? 0) + size);
const data = section(11);
console.log(`${kilobytes(data.end - data.at)}  data: tables, constants, texts`);
console.log(`${kilobytes(sizes.reduce((all, size) => all + size, 0))}  code of ${sizes.length} functions, of that`);
for (const [name, size] of [...crates].sort((one, other) => other[1] - one[1]).slice(0, CRATES)) console.log(`${kilobytes(size)}    ${name}`);
for (const { size, name } of functions.sort((one, other) => other.size - one.size).slice(0, FUNCTIONS)) console.log(`${kilobytes(size)}      ${name}`);
