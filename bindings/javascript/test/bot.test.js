import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Bot } from "../dist/bot/index.js";
import { MqttTransport } from "../dist/mqtt.js";
import { Client } from "../dist/node/index.js";
import { broker, missing } from "./broker.js";
import { KEY, after, clients, home, texts } from "./world.js";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const ECHO = fileURLToPath(new URL("../../../examples/javascript/echo_bot.js", import.meta.url));

/** Mail within this process: what it did not take comes again. */
class Mail {
  static boxes = new Map();
  refusing = 0;
  bundles = [];

  async start(mailbox) {
    this.mailbox = mailbox;
    Mail.boxes.set(mailbox.address, mailbox);
  }
  async publishBundle(bundle) {
    this.bundles.push(bundle);
  }
  async deliver(to, envelope) {
    if (this.refusing-- > 0) throw new Error("refused");
    await Mail.boxes.get(to)?.receive(envelope);
  }
  async close() {}
}

/** A bot that runs until the test ends, and what ends it. */
function running(t, client, transport, options) {
  const bot = new Bot(client, transport, options);
  const run = async () => {
    const ended = bot.run();
    after(t, async () => {
      bot.stop();
      await ended;
    });
  };
  return [bot, run];
}

/** A user of a bot: a bot as well, whose handler tells what came. */
function listener(t, client, transport) {
  const heard = [];
  const waiting = [];
  const [bot, run] = running(t, client, transport, { answerBots: true });
  bot.onMessage((message) => {
    const next = waiting.shift();
    if (next) next(message.text);
    else heard.push(message.text);
  });
  return [run, () => (heard.length ? Promise.resolve(heard.shift()) : new Promise((next) => waiting.push(next)))];
}

test("a bot answers each message once, tries again, and gives up", async (t) => {
  const [client, user] = await clients(t, "bot", "user");
  const failures = [];
  let tries = 0;
  const mail = new Mail();
  mail.refusing = 1;
  const [bot, run] = running(t, client, mail, { onError: (error) => failures.push(error.message) });
  bot.onMessage((message) => {
    if (message.text === "twice" && tries++ === 0) throw new Error("the first time");
    if (message.text === "never") throw new Error("each time");
    message.reply(`1: ${message.text}`);
    return `2: ${message.text}`;
  });
  const [listen, next] = listener(t, user, new Mail());
  await listen();
  await run();
  await user.addContact(await bot.invite());
  for (const text of ["never", "twice", "hello"]) await user.send(client.address, text);
  assert.deepEqual([await next(), await next()], ["1: twice", "2: twice"]);
  assert.deepEqual([await next(), await next()], ["1: hello", "2: hello"]);
  assert.equal(failures.filter((one) => one === "each time").length, 3);
  assert.ok(failures.includes("given up after 3 attempts") && failures.includes("the first time"));
  assert.deepEqual(await client.unhandled(), []);
  assert.ok(mail.bundles.length > 0);
  const { message } = { message: (await user.conversation(client.address).messages()).at(-1) };
  assert.equal(message.origin, "botAnswer");
});

test("what is no envelope is told and passed over", async (t) => {
  const [client] = await clients(t, "bot");
  const codes = [];
  const mail = new Mail();
  const [, run] = running(t, client, mail, { onError: (error) => codes.push(error.code) });
  await run();
  while (mail.mailbox === undefined) await new Promise((done) => setImmediate(done));
  await mail.mailbox.receive(new Uint8Array(9));
  assert.deepEqual(codes, ["envelope_malformed"]);
});

test("MQTT in clear text goes to this machine alone", () => {
  assert.throws(() => new MqttTransport("mqtt://broker.example"), TypeError);
  assert.ok(new MqttTransport("mqtt://broker.example", { cleartext: true }));
  assert.ok(new MqttTransport("mqtts://broker.example"));
});

test("the echo bot of the guide answers over a broker, is killed, and answers what came meanwhile", { skip: missing, timeout: 300_000 }, async (t) => {
  const folder = home(t);
  const { url, start, stop } = await broker(t, folder);
  // The example names the package as its users do.
  fs.mkdirSync(join(folder, "node_modules"));
  fs.symlinkSync(PACKAGE, join(folder, "node_modules", "windlass-chat"));
  fs.copyFileSync(ECHO, join(folder, "echo_bot.mjs"));
  const env = { ...process.env, BOT_KEY: "correct horse", BOT_TRANSPORT: url };
  const echo = () => spawn(process.execPath, ["echo_bot.mjs"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  const said = async (bot) => (await createInterface(bot.stdout)[Symbol.asyncIterator]().next()).value;

  let bot = echo();
  after(t, () => bot.kill("SIGKILL"));
  const invitation = await said(bot);
  const client = await Client.create(join(folder, "user"), KEY);
  const [listen, next] = listener(t, client, new MqttTransport(url));
  await listen();
  const { address } = await client.addContact(invitation);
  await client.send(address, "one");
  assert.equal(await next(), "one");

  bot.kill("SIGKILL");
  await client.send(address, "two");
  bot = echo();
  await said(bot);
  assert.equal(await next(), "two");

  await stop();
  await client.send(address, "three");
  await start();
  assert.equal(await next(), "three");
  assert.deepEqual(await texts(client, address), ["one", "one", "two", "two", "three", "three"]);

  const ended = new Promise((done) => bot.once("exit", (code) => done(code)));
  bot.kill("SIGTERM");
  assert.equal(await ended, 0);
});
