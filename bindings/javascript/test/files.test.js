import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Readable, Writable } from "node:stream";

import { Client } from "../dist/node/index.js";
import { KEY, after, deliver, home, pair } from "./world.js";

/** What is written to `writable`, as a blob. */
function collected() {
  const { readable, writable } = new TransformStream();
  const blob = new Response(readable).blob();
  blob.catch(() => {});
  return [writable, blob];
}

const bytesOf = async (blob) => new Uint8Array(await (await blob).arrayBuffer());

/** A file of ours, which is not the same everywhere. */
const file = (length) => Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 255);

async function arrived(alice, bob, sent) {
  await deliver(alice, bob);
  return await bob.conversation(alice.address).message({ author: alice.address, id: sent.messageId });
}

test("a file is encrypted, sent, fetched and decrypted, whatever its length", async (t) => {
  const [alice, bob] = await pair(t);
  for (const length of [0, 1, 65_536, 65_537, 3_000_000]) {
    const [to, encrypted] = collected();
    const content = file(length);
    const attachment = await alice.encryptFile(new Blob([content]), to, { name: "a/../picture.png", mediaType: "image/png" });
    assert.equal(attachment.info.size, length);
    assert.doesNotMatch(attachment.info.name, /\//);
    const body = { type: "file", file: attachment, location: "https://files.example/1" };
    const message = await arrived(alice, bob, await alice.send(bob.address, body));
    assert.equal(message.body.type, "attachment");
    assert.deepEqual(message.body.attachment, { ...attachment.info, location: "https://files.example/1" });
    const [clear, decrypted] = collected();
    await bob.conversation(alice.address).decryptFile(message, (await encrypted).stream(), clear);
    assert.deepEqual(await bytesOf(decrypted), content);
  }
});

test("files of Node are encrypted part by part, and another one is refused", async (t) => {
  const [alice, bob] = await pair(t);
  const folder = home(t);
  const [clear, sealed, again] = ["clear", "sealed", "again"].map((name) => join(folder, name));
  fs.writeFileSync(clear, file(200_000));
  const to = Writable.toWeb(fs.createWriteStream(sealed));
  const attachment = await alice.encryptFile(fs.createReadStream(clear), to, { name: "clear", mediaType: "text/plain" });
  const [sent] = await alice.sendMany([{ to: bob.address, body: { type: "file", file: attachment, location: "here" } }]);
  const message = await arrived(alice, bob, sent);
  const chat = bob.conversation(alice.address);
  await chat.decryptFile(message, Readable.toWeb(fs.createReadStream(sealed)), Writable.toWeb(fs.createWriteStream(again)));
  assert.deepEqual(fs.readFileSync(again), fs.readFileSync(clear));
  const whole = fs.readFileSync(sealed);
  const changed = Uint8Array.from(whole);
  changed[150_000] ^= 1;
  for (const wrong of [changed, whole.subarray(0, 100_000), new Uint8Array(0), Buffer.concat([whole, whole])]) {
    const [to, blob] = collected();
    await assert.rejects(chat.decryptFile(message, [wrong], to), { code: "attachment_damaged" });
    await assert.rejects(blob);
  }
});

test("what is no file of this client, or of no message, is refused", async (t) => {
  const [alice, bob] = await pair(t);
  const [to] = collected();
  const attachment = await alice.encryptFile([file(3)], to, { name: "x", mediaType: "text/plain" });
  const body = { type: "file", file: attachment, location: "here" };
  await alice.send(bob.address, "hello");
  await deliver(alice, bob);
  await assert.rejects(bob.send(alice.address, body), TypeError);
  await assert.rejects(alice.send(bob.address, { ...body, file: { number: 1 } }), TypeError);
  await assert.rejects(alice.encryptFile([file(3)], collected()[0], { name: "x", mediaType: "nonsense" }), { code: "invalid_media_type" });
  await assert.rejects(alice.encryptFile(["text"], collected()[0], { name: "x", mediaType: "text/plain" }), TypeError);
  const [hello] = await bob.conversation(alice.address).messages();
  await assert.rejects(bob.conversation(alice.address).decryptFile(hello, [], collected()[0]), { code: "unknown_message" });
});

test("a backup becomes a new device with contacts and history", async (t) => {
  const [alice, bob] = await pair(t);
  for (const text of ["one", "two"]) await alice.send(bob.address, text);
  await deliver(alice, bob);
  const key = { passphrase: "correct horse" };
  const backup = await alice.backup(key);
  assert.ok(backup instanceof Blob && backup.size > 300);
  assert.doesNotMatch(await backup.text(), /two/);
  const folder = home(t);
  const restored = await Client.restore(join(folder, "alice"), KEY, backup, key);
  after(t, () => restored.close());
  assert.equal(restored.address, alice.address);
  assert.deepEqual((await restored.conversation(bob.address).messages()).map((one) => one.text), ["one", "two"]);
  assert.deepEqual((await restored.contacts()).map((one) => one.address), [bob.address]);
  // It writes as a device of its own.
  await restored.send(bob.address, "three");
  const events = (await deliver(restored, bob)).get(bob.address);
  assert.ok(events.some((event) => event.type === "message" && event.message.text === "three"));

  const refusals = [
    [backup, { passphrase: "battery staple" }, "wrong_key"],
    [new Blob(["something else"]), key, "not_a_backup"],
    [backup.slice(0, backup.size - 1), key, "backup_damaged"],
  ];
  for (const [content, opener, code] of refusals) {
    const path = join(folder, code);
    // A wrong key and a damaged first chunk are one and the same.
    await assert.rejects(Client.restore(path, KEY, content, opener), (error) => error.code === code || error.code === "wrong_key");
    assert.equal(fs.existsSync(join(path, "store")), false);
  }
  await assert.rejects(Client.restore(join(folder, "alice"), KEY, backup, key), { code: "store_locked" });
  await assert.rejects(Client.restore(join(folder, "other"), KEY, "a path", key), TypeError);
});
