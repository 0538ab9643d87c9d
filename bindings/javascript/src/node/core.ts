/** The core, started once when the package is imported. */

import { readFileSync } from "node:fs";

import { initSync } from "../wasm/windlass.js";

initSync({ module: readFileSync(new URL("../wasm/windlass_bg.wasm", import.meta.url)) });
