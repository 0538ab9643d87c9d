import assert from "node:assert/strict";
import { test } from "node:test";

import { foldText, readCommand, readEmoji, readNumber } from "../dist/node/index.js";
import { clients, deliver, pair, texts } from "./world.js";

const document = (text) => new TextEncoder().encode(text);

test("what comes of an event is durable together, or nothing of it", async (t) => {
  const [alice, bob] = await pair(t);
  await bob.keepUnhandled(true);
  await bob.setTrustPolicy("acceptAll");
  await alice.send(bob.address, "count");
  await deliver(alice, bob);
  const [{ number }] = await bob.unhandled();
  assert.deepEqual((await bob.backlog()).map((one) => [one.address, one.messages]), [[alice.address, 1]]);
  const owner = { person: alice.address };
  const first = { owner, name: "count", before: null, after: document("1") };
  const messages = [{ to: alice.address, body: "1", isAnswer: true }];
  await bob.commit({ handled: number, messages, changes: [first] });
  assert.deepEqual(await bob.state(owner, "count"), document("1"));
  assert.equal(await bob.state(owner, "nothing"), null);
  await assert.rejects(bob.commit({ messages, changes: [first] }), { code: "state_changed" });
  await assert.rejects(bob.commit({ handled: number, changes: [] }), { code: "unknown_message" });
  const full = { owner: { program: "big" }, name: "x", before: null, after: new Uint8Array(20_000) };
  await assert.rejects(bob.commit({ messages, changes: [full] }), { code: "state_full" });
  await deliver(alice, bob);
  assert.deepEqual(await texts(alice, bob.address), ["count", "1"]);
  const [sent] = await bob.commit({ messages: [{ to: alice.address, body: "2" }], changes: [{ ...first, before: document("1"), after: null }] });
  assert.equal(sent.envelopes.length, 1);
  assert.deepEqual(await bob.states(owner), []);
  const chat = { conversation: alice.address };
  await bob.commit({ changes: [{ owner: chat, name: "topic", before: null, after: document("dogs") }] });
  assert.deepEqual(await bob.states(chat), [{ name: "topic", document: document("dogs") }]);
  for (const wrong of [{}, null, "person"]) await assert.rejects(bob.states(wrong), TypeError);
  await assert.rejects(bob.commit({ changes: [{ ...first, after: "text" }] }), TypeError);
  await alice.send(bob.address, "again");
  await deliver(alice, bob);
  assert.equal(await bob.dropBacklog(alice.address), 1);
  assert.ok(Math.abs((await bob.now()) - Date.now()) < 60_000);
});

test("the list of chats has pages, with the latest message of each", async (t) => {
  const [alice, ...others] = await clients(t, "alice", "bob", "carol", "dave");
  for (const [index, invitation] of (await alice.invitations(3)).entries()) {
    await others[index].addContact(invitation);
    await others[index].send(alice.address, `hello ${index}`);
  }
  await deliver(alice, ...others);
  assert.equal(await alice.unread(), 3);
  const [first, second] = await alice.conversationPage({ limit: 2 });
  assert.equal(first.lastMessage.text, "hello 2");
  assert.deepEqual([first.groupName, first.unread, second.lastMessage.text], [null, 1, "hello 1"]);
  const rest = await alice.conversationPage({ after: second.position });
  assert.deepEqual(rest.map((one) => one.address), [others[0].address]);
  assert.equal(await alice.conversation(first.address).isGroup(), false);
  // None of them was accepted yet.
  assert.equal(await alice.announceIdentity(await others[0].bundle()), 0);
});

test("what people type is read as they mean it", () => {
  assert.deepEqual(readCommand("/Remind “me later” 5", "/"), { name: "remind", words: ["me later", "5"] });
  assert.equal(readCommand("hello", "/"), null);
  assert.equal(foldText("Straße"), foldText("STRASSE"));
  assert.equal(readNumber("٤٢"), "42");
  assert.equal(readNumber("1,000"), null);
  assert.equal(readEmoji("👍"), "👍");
  assert.equal(readEmoji("ok"), null);
});
