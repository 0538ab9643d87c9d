import assert from "node:assert/strict";
import { test } from "node:test";

import * as windlass from "../dist/node/index.js";
import { pair } from "./world.js";

test("every error of the core's table has its class, and no other has one", () => {
  const { ERRORS, WindlassError, errors } = windlass;
  const table = errors();
  assert.deepEqual(table.map(({ code }) => code), Object.keys(ERRORS));
  for (const said of table) {
    const error = new ERRORS[said.code]({ message: "why", ...said });
    const snake = error.name.replace(/(?<=.)([A-Z])/g, "_$1").toLowerCase();
    assert.equal(snake, said.code);
    assert.ok(error instanceof WindlassError && error instanceof Error);
    assert.equal(windlass[error.name], ERRORS[said.code]);
    assert.deepEqual([error.retry, error.advice], [said.retry, said.advice]);
  }
});

test("what is refused says why, and what to do", async (t) => {
  const [alice, bob] = await pair(t);
  await assert.rejects(alice.send("wl1nobody", "hello"), windlass.InvalidAddress);
  await assert.rejects(alice.receive(new Uint8Array(3)), { code: "envelope_malformed", retry: false });
  await assert.rejects(alice.addContact("hello"), windlass.UriNotWindlass);
  await assert.rejects(alice.send(alice.address, "me"), windlass.OwnAddress);
  await assert.rejects(alice.send(bob.address, { type: "unknown" }), windlass.BodyNotSendable);
  const tooLarge = "x".repeat(300_000);
  await assert.rejects(alice.send(bob.address, tooLarge), (error) => {
    assert.ok(error instanceof windlass.ContentTooLarge);
    assert.match(error.advice, /less/);
    return error.message.length > 0;
  });
});

test("what has the wrong type is refused before it reaches the core", async (t) => {
  const [alice, bob] = await pair(t);
  const wrong = [
    () => alice.send(bob.address, undefined),
    () => alice.send(undefined, "hello"),
    () => alice.send(bob.address, { type: "text", text: 7 }),
    () => alice.send(bob.address, { type: "data", mediaType: "image/png", data: "bytes" }),
    () => alice.receive("bytes"),
    () => alice.receiveMany(["bytes"]),
    () => alice.markSent([-1]),
    () => alice.markSent([1.5]),
    () => alice.outbox(NaN),
    () => alice.contact(7),
    () => alice.createGroup("Crew", bob.address),
    () => alice.keepEvents("yes"),
    () => alice.setTrustPolicy("none"),
    () => alice.conversation(bob.address).messages({ limit: -1 }),
    () => alice.conversation(bob.address).react("message", "👍"),
    () => alice.changeKey("passphrase"),
  ];
  for (const call of wrong) await assert.rejects(async () => call(), TypeError, `${call}`);
  for (const half of ["\ud83d", "\ude00", "a\ud83db", "\ude00\ud83d"]) {
    await assert.rejects(alice.send(bob.address, half), windlass.InvalidContent);
  }
  await alice.send(bob.address, "😀");
  assert.deepEqual((await alice.inspect()).passphrase, false);
});
