/** One store, several tabs. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { browser, missing, processOf, served, tab } from "./browser.js";
import { after, home } from "./world.js";

const options = { skip: missing, timeout: 300_000 };

/** A browser with a page that serves tabs. */
async function tabs(t, count) {
  const [port, context] = [await served(t), await browser(home(t))];
  after(t, () => context.close());
  const all = [];
  for (let number = 0; number < count; number++) all.push(await tab(context, port));
  return [all, () => tab(context, port)];
}

/** Opens the store in a tab, which has it as `client` from then on; the code of what is refused. */
const opened = (page, call = "open", key = { passphrase: "correct horse" }) =>
  page.evaluate(
    async ([call, key]) => {
      const { Client } = window.windlass;
      try {
        window.client = await Client[call]("alice", key);
        window.events = [];
        window.posted = 0;
        client.onOutbox(() => window.posted++);
        return null;
      } catch (error) {
        return error.code ?? `${error}`;
      }
    },
    [call, key],
  );

const address = (page) => page.evaluate(() => client.address);

test("a store that is open in one tab is had through that by another, and is taken over when that closes it", options, async (t) => {
  const [[first, second, third]] = await tabs(t, 3);
  assert.equal(await opened(first, "create"), null);
  assert.equal(await opened(second), null);
  assert.equal(await opened(third), null);
  assert.equal(await address(second), await address(first));
  // What is done through one is seen through the others.
  const written = await second.evaluate(async () => {
    window.bob = await window.windlass.Client.create("bob", { key: new Uint8Array(32).fill(7) });
    await client.addContact(await bob.invitation());
    const sent = await client.send(bob.address, "from the second");
    await bob.receive(sent.envelopes[0].bytes);
    const answer = await bob.send(client.address, "an answer").catch((error) => error.code);
    return answer;
  });
  assert.equal(written.envelopes.length, 1);
  const seen = await third.evaluate(async () => {
    const [{ address }] = await client.contacts();
    return (await client.conversation(address).messages()).map((one) => one.text);
  });
  assert.deepEqual(seen, ["from the second"]);
  await first.waitForFunction(() => window.posted > 0);
  await third.waitForFunction(() => window.posted > 0);
  // A loop over events in one tab is told of what came through another.
  await third.evaluate(async () => {
    await client.keepEvents(true);
    void (async () => {
      for await (const event of client.events()) if (event.type === "message") window.events.push(event.message.text);
    })();
  });
  await second.evaluate(async () => {
    for (const { bytes } of await bob.outbox()) await client.receive(bytes);
  });
  await third.waitForFunction(() => window.events.includes("an answer"));
  // An error is the same from afar.
  assert.equal(await third.evaluate(() => client.send("wl1nobody", "x").catch((error) => error instanceof window.windlass.InvalidAddress)), true);
  // A backup goes through a channel, too.
  assert.ok(await third.evaluate(async () => (await client.backup({ key: new Uint8Array(32).fill(1) })).size > 100));

  await first.evaluate(() => client.close());
  assert.equal(await first.evaluate(() => client.contacts().catch((error) => error.code)), "store_closed");
  for (const page of [second, third]) assert.equal(await page.evaluate(async () => (await client.contacts()).length), 1);
  await second.close();
  assert.equal(await third.evaluate(async () => (await client.contacts()).length), 1);
  await third.evaluate(() => client.close());
  assert.equal(await opened(first), null);
});

test("another key opens nothing through another tab, and what makes a store wants it alone", options, async (t) => {
  const [[first, second], another] = await tabs(t, 2);
  assert.equal(await opened(first, "create"), null);
  assert.equal(await opened(second, "open", { passphrase: "battery staple" }), "wrong_key");
  assert.equal(await opened(second, "create"), "store_locked");
  assert.equal(await second.evaluate(() => window.windlass.Client.remove("alice").catch((error) => error.code)), "store_locked");
  // Who changes the key changes it for the tabs that come.
  assert.equal(await opened(second), null);
  await second.evaluate(() => client.changeKey({ passphrase: "battery staple" }));
  const third = await another();
  assert.equal(await opened(third), "wrong_key");
  assert.equal(await opened(third, "open", { passphrase: "battery staple" }), null);
  await first.evaluate(() => client.close());
  assert.equal(await second.evaluate(async () => (await client.contacts()).length), 0);
});

test("calls of a tab go on when the worker with the store is ended in the middle, each done once or said to be in doubt", options, async (t) => {
  const [[first, second]] = await tabs(t, 2);
  const key = { key: [...new Uint8Array(32).fill(3)] };
  const open = (page, call) =>
    page.evaluate(
      async ([call, { key }]) => {
        window.client = await window.windlass.Client[call]("alice", { key: Uint8Array.from(key) });
      },
      [call, key],
    );
  await open(first, "create");
  await open(second, "open");
  const writing = second.evaluate(async () => {
    const bob = await window.windlass.Client.create("bob", { key: new Uint8Array(32).fill(7) });
    await client.addContact(await bob.invitation());
    const outcomes = [];
    window.count = 0;
    for (let number = 0; number < 60; number++) {
      const outcome = await client.send(bob.address, `${number}`).then(() => "sent", (error) => error.message);
      outcomes.push(outcome);
      window.count = number;
    }
    const texts = (await client.conversation(bob.address).messages({ limit: 1_000 })).map((one) => one.text);
    return [outcomes, texts];
  });
  // What only reads is asked again, and never in doubt.
  const reading = second.evaluate(async () => {
    while (!(window.count > 40)) await client.contacts();
  });
  await second.waitForFunction(() => window.count > 5);
  await first.close();
  const [outcomes, texts] = await writing;
  await reading;
  assert.equal(new Set(texts).size, texts.length);
  for (const [number, outcome] of outcomes.entries()) {
    if (outcome === "sent") assert.ok(texts.includes(`${number}`));
    else assert.match(outcome, /has ended meanwhile/);
  }
  assert.ok(outcomes.filter((one) => one !== "sent").length <= 1);
});
