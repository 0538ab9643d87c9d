/** A real browser, and a page of a real server with a strict policy. */

import { existsSync, readlinkSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { after } from "./world.js";

const PROGRAM = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/usr/bin/chromium-browser"].find((path) => existsSync(path));
const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".js": "text/javascript", ".wasm": "application/wasm" };
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
const PAGE = `<!doctype html><title>Windlass</title><script type="module" src="/page.js"></script>`;
const SCRIPT = `import * as windlass from "/browser/index.js"; window.windlass = windlass;`;

/** Why there is none; with CI there has to be one. */
export const missing = PROGRAM === undefined && !process.env.CI ? "there is no Chromium" : false;

/** A server of the page; its port. */
export async function served(t) {
  const server = createServer(async ({ url }, answer) => {
    const send = (type, content) => answer.setHeader("Content-Type", type).end(content);
    answer.setHeader("Content-Security-Policy", POLICY);
    if (url === "/") return send("text/html", PAGE);
    if (url === "/frame") {
      const framed = `http://localhost:${server.address().port}/`;
      answer.setHeader("Content-Security-Policy", `default-src 'none'; frame-src ${framed}`);
      return send("text/html", `<!doctype html><title>Frame</title><iframe src="${framed}"></iframe>`);
    }
    if (url === "/page.js") return send("text/javascript", SCRIPT);
    try {
      return send(TYPES[extname(url)] ?? "text/plain", await readFile(DIST + normalize(url)));
    } catch {
      return answer.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address().port;
}

/** A browser with a profile that lasts. */
export async function browser(profile) {
  return await chromium.launchPersistentContext(profile, {
    executablePath: PROGRAM,
    // Root may have no sandbox; and a name for a page that did not come by https.
    args: ["--no-sandbox", "--host-resolver-rules=MAP insecure.test 127.0.0.1"],
  });
}

/** A browser whose windows are private: each forgets everything with its last page. */
export async function launched(t) {
  const program = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
  after(t, () => program.close());
  return program;
}

/** The number of the process that has a profile: the browser writes it there. */
export function processOf(profile) {
  return Number(readlinkSync(join(profile, "SingletonLock")).split("-").at(-1));
}

/** A tab with the package in it. */
export async function tab(context, port, host = "localhost") {
  const page = await context.newPage();
  page.on("console", (line) => console.error(line.text()));
  page.on("pageerror", (error) => console.error(error));
  await page.goto(`http://${host}:${port}/`);
  await page.waitForFunction(() => window.windlass !== undefined);
  return page;
}
