/**
 * One of four programs in four languages that talk in a group, each a process of its own: see `xtask/src/talk.rs` and `talk.py`.
 *
 *     node talk.js PACKAGE FOLDER ROUND
 *
 * The package is the folder that was built; it is not installed anywhere.
 */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const NAME = "javascript";
const [, , built, folder, number] = process.argv;
const round = Number(number);
const { Client, findContact } = await import(pathToFileURL(join(built, "dist/node/index.js")));

const key = { key: new Uint8Array(32).fill(7) };
const hex = (bytes) => Buffer.from(bytes).toString("hex");
const read = (name) => fs.readFileSync(join(folder, name), "utf8");

/** `membersAdded` is `members_added`. */
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** One line of the transcript, the same in every language. */
function line(message, names) {
  const about = {
    text: ({ text }) => `text ${text}`,
    data: ({ mediaType, data }) => `data ${mediaType} ${hex(data)}`,
    opaque: ({ data }) => `opaque ${hex(data)}`,
    attachment: ({ attachment: { mediaType, name, size, location } }) => `attachment ${mediaType} ${name} ${size} ${location}`,
    disappearingTimer: ({ after }) => `timer ${(after ?? 0) / 1000}`,
    group: ({ change: { kind, name, members } }) => `group ${snake(kind)} ${name ?? "-"} ${members.map((one) => names[one]).sort().join(",")}`,
    identityChange: () => "identity",
    unknown: () => "unknown",
  };
  const reply = message.replyTo ? ` re ${message.replyTo}` : "";
  const marks = (message.edited ? " edited" : "") + (message.deleted ? " deleted" : "");
  const reactions = message.reactions.map(({ by, emoji }) => ` ${names[by]}:${emoji}`).join("");
  return `${message.id} ${names[message.author]} ${about[message.body.type](message.body)}${reply}${marks}${reactions}`;
}

async function talk(client, group) {
  // Groups are joined at the invitation of people one knows.
  if (round === 1) await client.addContact(read("python.uri"));
  if (round === 2) await group.join();
  if (round === 3) {
    const first = (await group.messages()).find((message) => message.text === "from python");
    await group.send("from javascript ⚓", { replyTo: first.id });
    await group.send({ type: "data", mediaType: "application/json", data: new TextEncoder().encode("{}") });
    await group.react(first, "🧭");
  }
  if (round === 4) {
    const mine = (await group.messages()).find((message) => message.text === "from javascript ⚓");
    await group.edit(mine, "from JavaScript ⚓");
    await group.markRead();
  }
  if (round === 5) {
    const message = (await group.messages()).find(({ body }) => body.type === "attachment");
    const saved = join(folder, "saved-by-javascript");
    const encrypted = fs.createReadStream(join(folder, message.body.attachment.location));
    await group.decryptFile(message, encrypted, Writable.toWeb(fs.createWriteStream(saved)));
    assert.equal(fs.readFileSync(saved, "utf8"), "anchor".repeat(20_000));
  }
}

const store = join(folder, NAME);
const client = await Client.openOrCreate(store, key);
fs.writeFileSync(join(folder, `${NAME}.uri`), await client.publicInvitation());
const box = join(folder, "mail", client.address);
for (const name of fs.existsSync(box) ? fs.readdirSync(box).sort() : []) {
  await client.receive(fs.readFileSync(join(box, name)));
  fs.rmSync(join(box, name));
}
const known = (await client.conversations()).find(({ groupName }) => groupName !== null);
const group = known && client.conversation(known.address);
await talk(client, group);
for (const { id, to, bytes } of await client.outbox()) {
  fs.mkdirSync(join(folder, "mail", to), { recursive: true });
  const name = `${String(round).padStart(2, "0")}-4-${NAME}-${String(id).padStart(6, "0")}`;
  fs.writeFileSync(join(folder, "mail", to, name), bytes);
  await client.markSent([id]);
}
if (round >= 3) {
  const names = {};
  for (const name of read("languages").trim().split("\n")) names[findContact(read(`${name}.uri`)).address] = name;
  const lines = (await group.messages({ limit: 1_000 })).map((message) => line(message, names));
  fs.writeFileSync(join(folder, `${NAME}.txt`), `${lines.join("\n")}\n`);
}
await client.close();
