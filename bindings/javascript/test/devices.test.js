import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { Client, CodeReader, DeviceLink, qrFrames, qrPng } from "../dist/node/index.js";
import { KEY, after, clients, deliver, home, pair, texts } from "./world.js";

test("a new device is linked by what both show, goes on after it was closed, and has the history", async (t) => {
  const [alice, bob] = await pair(t);
  await alice.send(bob.address, "before");
  await deliver(alice, bob);
  const path = join(home(t), "tablet");

  let link = await DeviceLink.create(path, KEY);
  const code = await link.code();
  assert.equal(await link.check(), null);
  await assert.rejects(link.reply(), { code: "link_too_early" });
  const check = await link.takeAnswer(await alice.linkDevice(code));
  await link.close();
  await assert.rejects(Client.open(path, KEY), { code: "identity_missing" });
  await assert.rejects(link.check(), { code: "store_closed" });

  link = await DeviceLink.open(path, KEY);
  assert.equal(await link.code(), code);
  assert.deepEqual(await link.check(), check);
  assert.deepEqual(await alice.checkLink(await link.reply()), check);
  assert.equal(check.address, alice.address);
  const tablet = await link.finish(await alice.confirmLink());
  after(t, () => tablet.close());
  await link.close();
  assert.deepEqual([tablet.address, (await tablet.devices()).length], [alice.address, 2]);
  assert.notEqual(tablet.deviceId, alice.deviceId);
  let posted = 0;
  tablet.onOutbox(() => posted++);

  // Both devices have the same address: whatever goes to it goes to both.
  for (let round = 0; round < 4; round++) await deliver(alice, tablet, bob);
  assert.deepEqual(await texts(tablet, bob.address), ["before"]);
  await tablet.send(bob.address, "from the tablet");
  assert.ok(posted > 0);
  for (let round = 0; round < 2; round++) await deliver(alice, tablet, bob);
  assert.deepEqual(await texts(bob, alice.address), ["before", "from the tablet"]);
  assert.deepEqual(await texts(alice, bob.address), ["before", "from the tablet"]);
});

test("a link that is cancelled or of something else is refused", async (t) => {
  const [alice] = await clients(t, "alice");
  const folder = home(t);
  const link = await DeviceLink.create(join(folder, "tablet"), KEY);
  after(t, () => link.close());
  await assert.rejects(link.takeAnswer("hello"), { code: "uri_not_windlass" });
  await link.takeAnswer(await alice.linkDevice(await link.code()));
  await link.cancel();
  await assert.rejects(link.reply(), (error) => error.code.startsWith("link_"));
  assert.ok((await alice.pendingLink()) !== null);
  await alice.cancelLink();
  assert.equal(await alice.pendingLink(), null);
});

test("a camera reads codes that belong together in any order", async (t) => {
  const [alice] = await clients(t, "alice");
  const uri = await alice.invitation();
  const frames = qrFrames(uri);
  const reader = new CodeReader();
  await assert.rejects(reader.take("https://example.org"), { code: "uri_not_windlass" });
  let progress;
  for (const frame of [...frames].reverse().flatMap((one) => [one, one])) progress = await reader.take(frame);
  assert.equal(progress.have, progress.of);
  assert.equal(progress.uri, uri);
  const pictures = new CodeReader();
  for (const frame of frames) progress = await pictures.takePicture(qrPng(frame));
  assert.equal(progress.uri, uri);
});

test("what the session has is to be compared, and carries bare bytes", async (t) => {
  const [alice, bob] = await pair(t);
  const [channel, other] = [alice.session(bob.address), bob.session(alice.address)];
  assert.equal((await channel.status()).state, "fresh");
  const { envelopes } = await channel.encrypt(new Uint8Array([1, 2, 3]));
  assert.deepEqual(await other.decrypt(envelopes[0].bytes), new Uint8Array([1, 2, 3]));
  // The same again, also after a crash.
  assert.deepEqual(await other.decrypt(envelopes[0].bytes), new Uint8Array([1, 2, 3]));
  const text = (await alice.send(bob.address, "a message")).envelopes[0].bytes;
  await assert.rejects(other.decrypt(text), { code: "not_for_this_session" });
  await bob.receive(text);
  assert.equal(await channel.safetyNumber(), await other.safetyNumber());
  assert.deepEqual(await channel.safetyEmoji(), await other.safetyEmoji());
  await channel.verifyCode(await other.safetyCode());
  assert.equal((await alice.contact(bob.address)).verified, true);
  await assert.rejects(other.verify("0".repeat(60)), { code: "safety_number_mismatch" });
  assert.match(await channel.postQuantum(), /^(secret|kem|ratchet)$/);
  await channel.reset();
  await alice.setRequiresPostQuantum(true);
  assert.equal(await alice.requiresPostQuantum(), true);
});
