/** The package as `npm install` has it, in a project that is nowhere near this one. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { home } from "./world.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const EXAMPLES = fileURLToPath(new URL("../../../examples/javascript", import.meta.url));
const TSC = join(PACKAGE, "node_modules/typescript/bin/tsc");

/** A program of a user who lets the compiler look at everything. */
const PROGRAM = `
import { Client, CodeReader, DeviceLink, WrongKey, type Event, type Message } from "windlass-chat";
import { Bot } from "windlass-chat/bot";
import { BotTestClient, type Delivery, Simulation } from "windlass-chat/testing";

export async function main(): Promise<Message | undefined> {
  await using client: Client = await Client.openOrCreate("alice", { passphrase: "correct horse" });
  const bot = new Bot(client, { start: async () => {}, publishBundle: async () => {}, deliver: async () => {}, close: async () => {} });
  bot.onMessage((message) => message.text);
  for await (const event of client.events()) if (event.type === "message") return event.message;
  const missed = (event: Event): number => (event.type === "missed" ? event.events : 0);
  // @ts-expect-error A body has a type.
  await client.send("wl1", { text: "x" });
  const anne: BotTestClient = await BotTestClient.create((client, transport) => new Bot(client, transport));
  const delivered: Delivery[] = new Simulation(1).run();
  console.log(await anne.say("ping"), delivered);
  console.log(missed, WrongKey, DeviceLink, CodeReader);
  return undefined;
}
`;

test("what is packed is installed, compiled against and run in a project of its own", { timeout: 120_000 }, (t) => {
  const folder = home(t);
  const npm = (...given) => execFileSync("npm", [...given, "--loglevel=error"], { cwd: folder, encoding: "utf8" });
  const packed = npm("pack", PACKAGE, "--pack-destination", folder).trim().split("\n").at(-1);
  fs.writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  npm("install", "--offline", "--no-audit", "--no-fund", "--omit=optional", join(folder, packed));
  // Nothing came along: no tests, no sources, no other package.
  assert.deepEqual(fs.readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith(".")), ["windlass-chat"]);
  assert.deepEqual(fs.readdirSync(join(folder, "node_modules/windlass-chat")).sort(), ["README.md", "dist", "package.json"]);

  fs.copyFileSync(join(EXAMPLES, "first_conversation.js"), join(folder, "first_conversation.js"));
  const said = execFileSync(process.execPath, ["first_conversation.js"], { cwd: folder, encoding: "utf8" });
  assert.match(said, /Ahoy!/);

  fs.writeFileSync(join(folder, "program.ts"), PROGRAM);
  for (const resolution of [["nodenext", "nodenext"], ["esnext", "bundler"]]) {
    const [module, moduleResolution] = resolution;
    const settings = ["--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,esnext.disposable,dom", "--types", ""];
    const given = [TSC, ...settings, "--module", module, "--moduleResolution", moduleResolution, "program.ts"];
    try {
      execFileSync(process.execPath, given, { cwd: folder, encoding: "utf8" });
    } catch (error) {
      assert.fail(error.stdout);
    }
  }
});
