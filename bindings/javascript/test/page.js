/** The chat page of the examples as people use it: in a real browser, over a real broker, under its own strict policy. */

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { after } from "./world.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const WEB = fileURLToPath(new URL("../../../examples/javascript/web", import.meta.url));
export const WIDE = { width: 1280, height: 800 };

/** The page on a server, as a reader of the guide has it; its URL. */
export async function page(t, folder, web) {
  fs.cpSync(WEB, join(folder, "web"), { recursive: true });
  fs.mkdirSync(join(folder, "web/node_modules"));
  fs.symlinkSync(PACKAGE, join(folder, "web/node_modules/windlass-chat"));
  fs.symlinkSync(join(PACKAGE, "node_modules/mqtt"), join(folder, "web/node_modules/mqtt"));
  const server = spawn(process.execPath, ["serve.js", "0", web], { cwd: join(folder, "web"), stdio: ["ignore", "pipe", "inherit"] });
  after(t, () => server.kill());
  return (await createInterface(server.stdout)[Symbol.asyncIterator]().next()).value;
}

/** A person with a browser of their own, which forgets everything when it is closed. */
export async function person(t, program, url, screen = {}) {
  const context = await program.newContext({ viewport: WIDE, ...screen });
  after(t, () => context.close());
  const tab = await context.newPage();
  tab.setDefaultTimeout(30_000);
  tab.on("pageerror", (error) => console.error(error));
  tab.on("console", (line) => line.type() === "error" && console.error(line.text()));
  await tab.goto(url);
  return tab;
}

export async function enter(tab, passphrase = "correct horse") {
  await tab.fill("#passphrase", passphrase);
  await tab.click("#enter .first");
  await tab.waitForSelector("#app:not([hidden])");
}

export const paste = (tab, place, code) => tab.fill(`${place} textarea:not([readonly])`, code);
export const line = (tab, text) => tab.waitForSelector(`#messages li:has-text("${text}")`);

export async function write(tab, text) {
  await tab.fill("#text", text);
  await tab.press("#text", "Enter");
  await line(tab, text);
}
