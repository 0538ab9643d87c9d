import assert from "node:assert/strict";
import { test } from "node:test";

import { findContact, qrSvg } from "../dist/node/index.js";
import { clients, deliver, pair, texts } from "./world.js";

test("two clients meet by an invitation and converse", async (t) => {
  const [alice, bob] = await pair(t);
  const sent = await alice.send(bob.address, "Ahoy! ⚓");
  assert.equal(sent.envelopes[0].to, bob.address);
  assert.equal(sent.groupIncomplete, false);
  const events = (await deliver(alice, bob)).get(bob.address);
  const { message } = events.find((event) => event.type === "message");
  assert.deepEqual(message.body, { type: "text", text: "Ahoy! ⚓" });
  assert.equal(message.author, alice.address);
  assert.equal(message.origin, "person");
  assert.ok(message.sentAt instanceof Date && Math.abs(message.sentAt - Date.now()) < 60_000);

  await bob.acceptContact(alice.address);
  await bob.send(alice.address, "Ahoy yourself", { replyTo: message.id });
  await bob.conversation(alice.address).react(message, "👍");
  await deliver(alice, bob);
  const [first, second] = await alice.conversation(bob.address).messages();
  assert.deepEqual(first.reactions, [{ emoji: "👍", by: bob.address }]);
  assert.ok(first.deliveredAt instanceof Date);
  assert.equal(second.replyTo, first.id);
  assert.deepEqual(await texts(bob, alice.address), ["Ahoy! ⚓", "Ahoy yourself"]);
  assert.equal((await alice.session(bob.address).status()).state, "established");
  assert.equal((await alice.contact(bob.address)).addedByUs, true);
});

test("an envelope that comes twice does no harm, and bytes come as they went", async (t) => {
  const [alice, bob] = await pair(t);
  const data = new Uint8Array([0, 1, 254, 255]);
  const sent = await alice.send(bob.address, { type: "data", mediaType: "image/png", data });
  const [received, again] = await bob.receiveMany([sent.envelopes[0].bytes, sent.envelopes[0].bytes]);
  const { message } = received.events.find((event) => event.type === "message");
  assert.deepEqual(message.body, { type: "data", mediaType: "image/png", data });
  assert.deepEqual(again.events, [{ type: "duplicate", messageId: sent.messageId }]);
  assert.equal(again.refused, null);
});

test("messages are edited, deleted, searched and paged", async (t) => {
  const [alice, bob] = await pair(t);
  for (const text of ["one", "two", "three"]) await alice.send(bob.address, text);
  await deliver(alice, bob);
  const chat = alice.conversation(bob.address);
  const [one, two, three] = await chat.messages();
  await chat.edit(two, "deux");
  await chat.delete(one);
  await deliver(alice, bob);
  assert.deepEqual(await texts(bob, alice.address), [null, "deux", "three"]);
  const page = await bob.conversation(alice.address).messages({ limit: 1, before: three });
  assert.deepEqual(page.map((message) => [message.text, message.edited]), [["deux", true]]);
  const found = await chat.search("DEUX");
  assert.deepEqual(found.messages.map((message) => message.id), [two.id]);
  assert.equal((await bob.conversations())[0].unread, 2);
  await chat.setDisappearing(86_400_000);
  await deliver(alice, bob);
  assert.equal(await bob.conversation(alice.address).disappearing(), 86_400_000);
});

test("events are told again until the loop asks for the next one", async (t) => {
  const [alice, bob] = await pair(t);
  const heard = async (until) => {
    const heard = [];
    for await (const event of bob.events()) {
      if (event.type !== "message") continue;
      heard.push(event.message.text);
      if (event.message.text === until) return heard;
    }
    return heard;
  };
  // Nobody has told the loop anything yet: it waits for what comes.
  const waiting = heard("second");
  while (!(await alice.outbox()).length) await alice.send(bob.address, "first");
  await alice.send(bob.address, "second");
  await bob.keepEvents(true);
  await deliver(alice, bob);
  assert.deepEqual(await waiting, ["first", "second"]);
  // The second was at work when the loop ended.
  assert.deepEqual(await heard("second"), ["second"]);
  const ended = (async () => {
    for await (const event of bob.events()) if (event.type === "message") await bob.close();
  })();
  await ended;
});

test("a message is handled once, with its answer", async (t) => {
  const [alice, bob] = await pair(t);
  await bob.keepUnhandled(true);
  await bob.setTrustPolicy("acceptAll");
  await bob.setBot(true);
  await alice.send(bob.address, "ping");
  await deliver(alice, bob);
  const [waiting] = await bob.unhandled();
  assert.equal(waiting.message.text, "ping");
  await bob.handled(waiting.number, [{ to: alice.address, body: "pong" }]);
  await assert.rejects(bob.handled(waiting.number), { code: "unknown_message" });
  await deliver(alice, bob);
  const [, pong] = await alice.conversation(bob.address).messages();
  assert.deepEqual([pong.text, pong.origin], ["pong", "botAnswer"]);
});

test("a group is made, joined, written to and left", async (t) => {
  const [alice, bob, carol] = await clients(t, "alice", "bob", "carol");
  for (const other of [bob, carol]) await alice.addContact(await other.invitation());
  const crew = await alice.createGroup("Crew", [bob.address, carol.address]);
  for (const other of [bob, carol]) await alice.send(other.address, "join us");
  const events = await deliver(alice, bob, carol);
  for (const other of [bob, carol]) {
    await other.acceptContact(alice.address);
    await deliver(alice, bob, carol);
    await other.conversation(crew.address).join();
  }
  assert.ok(events);
  await deliver(alice, bob, carol);
  await crew.send("all hands");
  await deliver(alice, bob, carol);
  assert.equal((await texts(carol, crew.address)).at(-1), "all hands");
  assert.deepEqual((await crew.members()).map((member) => member.joined), [true, true, true]);
  await carol.conversation(crew.address).leave();
  await crew.rename("Small crew");
  await deliver(alice, bob, carol);
  assert.equal(await bob.conversation(crew.address).name(), "Small crew");
  assert.equal((await crew.members()).length, 2);
  await assert.rejects(bob.conversation(crew.address).rename("Mine"), { code: "not_an_admin" });
});

test("whoever follows a link comes into the group, as long as it is of use", async (t) => {
  const [alice, bob, carol] = await clients(t, "alice", "bob", "carol");
  const crew = await alice.createGroup("Crew", []);
  const [link, other] = [await crew.createInvitationLink(1, 60_000), await crew.createInvitationLink(64, 14 * 86_400_000)];
  assert.deepEqual((await crew.invitationLinks()).map((one) => [one.id, one.usesLeft]), [[link.id, 1], [other.id, 64]]);
  assert.ok(link.expiresAt > link.createdAt && link.code.length < link.uri.length);
  assert.equal((await bob.joinByLink(`https://example.org/#${link.uri}`)).address, alice.address);
  assert.deepEqual((await bob.pendingJoins()).map((one) => one.asked), [alice.address]);
  await deliver(alice, bob, carol);
  assert.equal(await bob.conversation(crew.address).isJoined(), true);
  await crew.revokeInvitationLink(other.id);
  for (const gone of [link, other]) await carol.joinByLink(gone.code);
  await deliver(alice, bob, carol);
  assert.deepEqual([(await crew.members()).length, await crew.invitationLinks(), (await carol.pendingJoins()).length], [2, [], 2]);
  await carol.cancelJoin(alice.address);
  assert.deepEqual(await carol.pendingJoins(), []);
  await assert.rejects(bob.conversation(crew.address).createInvitationLink(1, 60_000), { code: "not_an_admin" });
  await assert.rejects(crew.createInvitationLink(1, 15 * 86_400_000), { code: "invalid_content" });
});

test("invitations are found, drawn, and used once", async (t) => {
  const [alice, bob, carol] = await clients(t, "alice", "bob", "carol");
  const invitation = await bob.invitation();
  const found = findContact(`Write to me: ${invitation}!`);
  assert.equal(found.address, bob.address);
  assert.match(qrSvg(invitation), /^<\?xml|^<svg/);
  await alice.addContact(found.bundle);
  await alice.send(bob.address, "found you");
  await assert.rejects(alice.addContact(invitation), { code: "invitation_used" });
  await carol.addContact(await bob.publicInvitation());
  await carol.addContact(await bob.bundle());
  await alice.meet(await carol.inPersonCode());
  assert.equal((await alice.contact(carol.address)).verified, true);
  const session = alice.session(bob.address);
  const number = await session.safetyNumber();
  assert.equal(number.replace(/\D/g, "").length, 60);
  await session.verify(number);
  assert.equal((await session.safetyEmoji()).length, 30);
});
