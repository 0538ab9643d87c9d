/**
 * The vectors of the protocol, computed where JavaScript runs. They take and give raw keys, so no part of what ships computes them: it is the same core
 * with one entry more, which `cargo xtask test --javascript` builds for this test and names in WINDLASS_VECTORS.
 */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";

import * as shipped from "../dist/wasm/windlass.js";

const FOLDER = fileURLToPath(new URL("../../../tests/vectors", import.meta.url));
const BUILT = process.env.WINDLASS_VECTORS;
const skip = BUILT === undefined && !process.env.CI ? "WINDLASS_VECTORS names no core that computes them" : false;

test("every vector of keys, encodings and schedules gives in WebAssembly what its file says", { skip }, async () => {
  const core = await import(pathToFileURL(join(BUILT, "windlass.js")));
  core.initSync({ module: fs.readFileSync(join(BUILT, "windlass_bg.wasm")) });
  let count = 0;
  for (const file of fs.readdirSync(FOLDER).filter((name) => name.endsWith(".json"))) {
    const kind = basename(file, ".json");
    const text = fs.readFileSync(join(FOLDER, file), "utf8");
    const names = JSON.parse(text).cases.map(({ name }) => name);
    assert.deepEqual(core.walkVectors(kind, text), names, kind);
    count += names.length;
  }
  assert.ok(count >= 400, `${count}`);
});

test("what ships computes no vectors", () => {
  assert.equal(shipped.walkVectors, undefined);
  const core = fs.readFileSync(new URL("../dist/wasm/windlass_bg.wasm", import.meta.url));
  assert.equal(core.includes("walkVectors") || core.includes("walk_vectors"), false);
});
