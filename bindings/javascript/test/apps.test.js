/** What an app needs beside messages: by author and id, settings of chats, receipts by member, who is writing, and what is found in everything. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { DeviceLink, HandOver, joinRuns, textRuns } from "../dist/node/index.js";
import { KEY, after, clients, deliver, home, pair, texts } from "./world.js";

const said = (messages) => messages.map((message) => message.text);

/** Two who have answered each other, and their conversation from both sides. */
async function talking(t) {
  const [alice, bob] = await pair(t);
  await alice.send(bob.address, "ahoy");
  await deliver(alice, bob);
  await bob.acceptContact(alice.address);
  await bob.send(alice.address, "ahoy yourself");
  await deliver(alice, bob);
  return [alice, bob, alice.conversation(bob.address), bob.conversation(alice.address)];
}

test("messages are found, changed and read up to by author and id", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  await theirs.markRead();
  const names = [];
  for (const text of ["0", "1", "2", "3", "4"]) names.push({ author: alice.address, id: (await ours.send(text)).messageId });
  const nobody = { author: alice.address, id: "0".repeat(32) };
  assert.equal((await ours.receipts(names[1].id)).queued, true);
  await deliver(alice, bob);

  await theirs.react(names[0], "👍");
  await ours.edit(names[1], "changed");
  await ours.delete(names[4]);
  await theirs.markReadUpTo(names[1]);
  await deliver(alice, bob);
  assert.deepEqual(said(await theirs.messagesAround(names[1], { before: 1, after: 1 })), ["0", "changed", "2"]);
  assert.equal((await theirs.messagesAround(names[1])).length, 7);
  assert.deepEqual(said(await theirs.messagesAfter(names[1])), ["2", "3", null]);
  assert.deepEqual(said(await theirs.messagesAfter(names[1], { limit: 1 })), ["2"]);
  assert.deepEqual(said(await theirs.messagesBefore(names[1])), ["ahoy", "ahoy yourself", "0"]);
  assert.deepEqual(said(await theirs.messagesBefore(names[1], { limit: 1 })), ["0"]);
  assert.equal(await theirs.unread(), 2);

  const [read, had] = [await ours.receipts(names[1].id), await ours.receipts(names[2].id)];
  assert.deepEqual(read.members.map((member) => member.address), [bob.address]);
  assert.ok(read.members[0].readAt instanceof Date && read.members[0].deliveredAt instanceof Date);
  assert.ok(had.members[0].deliveredAt instanceof Date);
  assert.deepEqual([had.members[0].readAt, had.queued], [null, false]);
  // The one device that there is said it for the person.
  const [device] = (await alice.contact(bob.address)).devices;
  assert.deepEqual(had.members[0].devices, [{ deviceId: device, deliveredAt: had.members[0].deliveredAt }]);
  const waits = await ours.receipts((await ours.send("on its way")).messageId);
  assert.deepEqual(waits.members[0].devices, [{ deviceId: device, deliveredAt: null }]);

  const answer = { author: bob.address, id: (await theirs.send("aye", { replyTo: names[0].id })).messageId };
  const answered = await theirs.answered(answer);
  assert.deepEqual([answered.text, answered.reactions], ["0", [{ emoji: "👍", by: bob.address }]]);
  assert.equal(await theirs.answered(names[0]), null);
  await theirs.unreact(names[0], "👍");
  assert.deepEqual((await theirs.answered(answer)).reactions, []);
  await theirs.deleteForMe(names[0]);
  assert.equal(await theirs.answered(answer), null);

  const refused = { code: "unknown_message" };
  for (const call of ["messagesBefore", "messagesAfter", "messagesAround", "markReadUpTo", "answered", "deleteForMe"]) {
    await assert.rejects(theirs[call](nobody), refused, call);
    await assert.rejects(theirs[call](), TypeError, call);
  }
  await assert.rejects(theirs.react(nobody, "👍"), refused);
  await assert.rejects(theirs.unreact(nobody, "👍"), refused);
  await assert.rejects(theirs.receipts(names[1].id), refused);
  await assert.rejects(theirs.edit(names[2], "mine"), { code: "not_the_author" });
});

test("a text of pieces mentions whom it means, and what is forwarded names nobody", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const bold = { type: "bold" };
  const pieces = [
    { text: "👩🏽\u200d🚀 ", styles: [] },
    { text: "@Bob", styles: [{ type: "mention", address: bob.address }, bold] },
    { text: "!", styles: [] },
  ];
  const text = joinRuns(pieces);
  // Five scalar values, and eight units of a string of JavaScript.
  assert.deepEqual(text.spans.map(({ start, length }) => [start, length]), [[5, 4], [5, 4]]);
  assert.deepEqual(textRuns(text), pieces);
  const sent = { author: alice.address, id: (await ours.sendRich({ ...text, suggestions: ["aye"] })).messageId };
  await deliver(alice, bob);
  const there = await theirs.message(sent);
  assert.deepEqual([there.mentionsMe, there.richText], [true, { ...text, suggestions: ["aye"] }]);
  const counted = async () => [(await bob.conversationPage())[0].unreadMentions, await theirs.unreadMentions(), await bob.unreadMentions()];
  assert.deepEqual(await counted(), [1, 1, 1]);
  const unread = await theirs.unread();
  await ours.editRich(sent, { text: "nobody" });
  await deliver(alice, bob);
  assert.deepEqual([await counted(), await theirs.unread()], [[0, 0, 0], unread]);
  await ours.editRich(sent, text);
  await deliver(alice, bob);
  assert.deepEqual(await counted(), [1, 1, 1]);
  const again = { author: bob.address, id: (await theirs.forward(sent)).messageId };
  await ours.editRich(sent, { text: "never mind" });
  await deliver(alice, bob);
  const { forward, spans } = (await ours.message(again)).richText;
  assert.deepEqual([forward, spans.map((span) => span.style)], [{ author: null }, [bold]]);
  assert.equal((await theirs.message(sent)).text, "never mind");
  await assert.rejects(ours.sendRich({ text: "short", spans: [{ start: 3, length: 3, style: bold }] }), { code: "invalid_content" });
  await assert.rejects(ours.sendRich({ text: "x", spans: [{ start: 0, length: 1, style: { type: "loud" } }] }), TypeError);
  await assert.rejects(ours.editRich(again, { text: "mine" }), { code: "not_the_author" });
});

test("a preview goes with its address and is forwarded with it", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const image = new Uint8Array([0xff, 0xd8, 0xff, 7]);
  const preview = { url: "https://example.org/a", title: "Here be dragons", about: "A\nmap", image };
  const sent = { author: alice.address, id: (await ours.sendRich({ text: "see https://example.org/a!", preview })).messageId };
  await deliver(alice, bob);
  assert.deepEqual((await theirs.message(sent)).richText.preview, preview);
  const again = { author: bob.address, id: (await theirs.forward(sent)).messageId };
  await deliver(alice, bob);
  assert.deepEqual((await ours.message(again)).richText.preview, preview);
  await assert.rejects(ours.sendRich({ text: "see https://example.org/ab", preview }), { code: "invalid_content" });
  await assert.rejects(ours.sendRich({ text: "https://a", preview: { url: "https://a", image: "x" } }), TypeError);
});

test("what one puts at the top is there for both", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const names = [];
  for (const text of ["one", "two"]) names.push({ author: alice.address, id: (await ours.send(text)).messageId });
  await deliver(alice, bob);
  for (const name of names) await theirs.pinMessage(name);
  await deliver(alice, bob);
  assert.deepEqual(said(await ours.pinned()), ["two", "one"]);
  await ours.unpinMessage(names[1]);
  await deliver(alice, bob);
  assert.deepEqual(said(await theirs.pinned()), ["one"]);
});

test("what the user sets for a chat is the same on all their devices", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const link = await DeviceLink.create(join(home(t), "tablet"), KEY);
  await link.takeAnswer(await alice.linkDevice(await link.code()));
  await alice.checkLink(await link.reply());
  const tablet = await link.finish(await alice.confirmLink());
  after(t, () => tablet.close());
  for (let round = 0; round < 4; round++) await deliver(alice, tablet, bob);

  const none = { mutedUntil: null, archived: false, pinned: false, markedUnread: false, nickname: null };
  assert.deepEqual(await ours.settings(), none);
  const until = new Date("2100-01-01T00:00:00Z");
  await ours.setMutedUntil(until);
  await ours.setArchived(true);
  await ours.setPinned(true);
  await ours.setNickname(" Captain ");
  await ours.markUnread();
  const wanted = { mutedUntil: until, archived: true, pinned: true, markedUnread: true, nickname: "Captain" };
  assert.deepEqual(await ours.settings(), wanted);
  assert.deepEqual((await alice.conversationPage())[0].settings, wanted);

  // Both devices have the same events in the list of their one address.
  const events = (await deliver(alice, tablet, bob)).get(alice.address);
  assert.ok(events.some((event) => event.type === "chatSettingsChanged" && event.conversation === bob.address));
  assert.deepEqual(await tablet.conversation(bob.address).settings(), wanted);
  assert.deepEqual(await theirs.settings(), none);

  await ours.markRead();
  assert.equal(await alice.unread(), 0);
  await ours.setMutedUntil(null);
  await ours.setArchived(false);
  await ours.setPinned(false);
  await ours.setNickname(null);
  assert.deepEqual(await ours.settings(), none);

  await assert.rejects(ours.setNickname("x".repeat(257)), { code: "content_too_large" });
  for (const wrong of ["tomorrow", 0, undefined, new Date(NaN)]) await assert.rejects(ours.setMutedUntil(wrong), TypeError);
  await assert.rejects(ours.setPinned(1), TypeError);
  assert.deepEqual(await ours.settings(), none);
});

test("who is writing is told, and what the user has read is if they like", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const heard = async (active) => {
    await theirs.setTyping(active);
    return (await deliver(alice, bob)).get(alice.address);
  };
  for (const active of [true, false]) {
    assert.deepEqual(await heard(active), [{ type: "typing", conversation: bob.address, by: bob.address, active }]);
  }
  await theirs.setAvailable(true);
  assert.deepEqual((await deliver(alice, bob)).get(alice.address), [{ type: "presence", address: bob.address, available: true }]);
  assert.equal((await ours.messages()).length, 2);

  assert.equal(await bob.sendsReadReceipts(), true);
  await bob.setSendsReadReceipts(false);
  assert.equal(await bob.sendsReadReceipts(), false);
  const { messageId } = await ours.send("unseen?");
  await deliver(alice, bob);
  await theirs.markRead();
  await deliver(alice, bob);
  assert.equal(await theirs.unread(), 0);
  assert.equal((await ours.receipts(messageId)).members[0].readAt, null);
  await assert.rejects(bob.setSendsReadReceipts("no"), TypeError);
});

test("everything is searched, contacts are paged, and one is removed whose conversation stays", async (t) => {
  const [alice, bob, carol] = await clients(t, "alice", "bob", "carol");
  for (const other of [bob, carol]) {
    await alice.addContact(await other.invitation());
    for (const text of ["the treasure is here", "nothing", "a TREASURE chest"]) await alice.send(other.address, text);
  }
  const all = await alice.search("treasure");
  assert.equal(all.next, null);
  assert.deepEqual(new Set(all.messages.map((message) => message.conversation)), new Set([bob.address, carol.address]));
  const found = [];
  for (let before; ; ) {
    const page = await alice.search("treasure", { limit: 1, ...(before && { before }) });
    found.push(...page.messages);
    before = page.next;
    if (before === null) break;
  }
  assert.deepEqual(found, all.messages);
  assert.equal(found.length, 4);
  const [{ conversation, author }] = found;
  await assert.rejects(alice.search("treasure", { before: { conversation, author, id: "0".repeat(32) } }), { code: "unknown_message" });
  await assert.rejects(alice.search("treasure", { before: { author, id: "0".repeat(32) } }), TypeError);

  const [first, ...others] = await alice.contactPage({ limit: 1 });
  assert.deepEqual([first.address, others], [bob.address, []]);
  const rest = await alice.contactPage({ after: first.position });
  assert.deepEqual(rest.map((contact) => contact.address), [carol.address]);
  assert.deepEqual(await alice.contactPage({ after: rest[0].position }), []);
  assert.equal((await alice.contactPage()).length, 2);

  await alice.removeContactOnly(bob.address);
  await assert.rejects(alice.contact(bob.address), { code: "unknown_contact" });
  assert.equal((await texts(alice, bob.address)).length, 3);
  await assert.rejects(alice.conversation(bob.address).setPinned(true), { code: "unknown_contact" });
});

test("what is written is told to who shows it", async (t) => {
  const [alice, , ours] = await talking(t);
  await alice.takeChanges();
  let told = 0;
  const end = alice.onChange(() => told++);
  const { messageId } = await ours.send("new");
  await ours.edit({ author: alice.address, id: messageId }, "newer");
  await ours.unread();
  assert.equal(told, 2);
  const changes = await alice.takeChanges();
  // Whoever writes has read what is there.
  assert.deepEqual(changes.map(({ type }) => type), ["message", "read", "edited"]);
  assert.deepEqual([changes[0].message.outgoing, changes[0].message.text, changes[1].by], [true, "newer", alice.address]);
  end();
  await ours.setArchived(true);
  assert.equal(told, 2);
  assert.deepEqual(await alice.takeChanges(), [{ type: "chatSettingsChanged", conversation: ours.address }]);
});

test("what is scheduled is listed, sent when it is time, and taken back", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  const [soon, later] = [new Date(Date.now() - 1_000), new Date(Date.now() + 3_600_000)];
  const second = await ours.sendRichAt(later, { text: "later", suggestions: ["aye"] });
  assert.deepEqual([second.text.suggestions, second.failed, second.sendAt], [["aye"], null, later]);
  assert.deepEqual(await ours.scheduled(), [second]);
  assert.deepEqual(await alice.nextDue(), later);
  const first = await ours.sendAt(soon, "at once");
  assert.deepEqual(await alice.nextDue(), later);
  await deliver(alice, bob);
  assert.equal((await theirs.message({ author: alice.address, id: first.id })).text, "at once");
  assert.equal(await ours.cancelScheduled(second.id), true);
  assert.equal(await ours.cancelScheduled(second.id), false);
  assert.deepEqual([await ours.scheduled(), await alice.nextDue()], [[], null]);
  await assert.rejects(ours.sendAt(new Date(Date.now() + 400 * 86_400_000), "never"), { code: "invalid_content" });
});

test("what is handed over shows a push that the client receives later", async (t) => {
  const [alice, bob, ours, theirs] = await talking(t);
  await ours.setNickname("Bosun");
  await ours.setMutedUntil(new Date(Date.now() + 3_600_000));
  const key = { key: new Uint8Array(32).fill(7) };
  const handedOver = await alice.handOver(key);
  await theirs.send("land ho");
  const [pushed] = await bob.outbox();
  const opened = HandOver.open(handedOver, key);
  for (let times = 0; times < 2; times++) {
    const { type, message } = opened.peek(pushed.bytes);
    assert.deepEqual([type, message.text, message.authorName, message.muted], ["message", "land ho", "Bosun", true]);
    assert.ok(message.conversation === bob.address && message.author === bob.address && message.sentAt instanceof Date && !message.inGroup);
  }
  await deliver(alice, bob);
  assert.ok(said(await ours.messages()).includes("land ho"));
  assert.deepEqual(HandOver.open(await alice.handOver(key), key).peek(pushed.bytes), { type: "quiet" });
  opened.close();

  const code = (code) => ({ code });
  assert.throws(() => HandOver.open(handedOver, { key: new Uint8Array(32) }), code("hand_over_unreadable"));
  assert.throws(() => HandOver.open(handedOver.slice(0, -1), key), code("hand_over_unreadable"));
  assert.throws(() => HandOver.open(Uint8Array.of(2, ...handedOver.slice(1)), key), code("hand_over_newer"));
  await assert.rejects(alice.handOver({ passphrase: "correct horse" }), code("key_unreadable"));
});
