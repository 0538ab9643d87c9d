import assert from "node:assert/strict";
import { test } from "node:test";

import { browser, missing, processOf, served, tab } from "./browser.js";
import { after, home } from "./world.js";

const KILLS = Number(process.env.WINDLASS_KILLS ?? 10);
const options = { skip: missing, timeout: 600_000 + KILLS * 6_000 };

/** The code of what a call in the page is refused with. */
const refusal = (page, call) =>
  page.evaluate(async (call) => {
    const key = { key: new Uint8Array(32).fill(7) };
    const { Client } = window.windlass;
    try {
      await { create: () => Client.create("alice", key), open: () => Client.open("alice", key), other: () => Client.open("alice", { key: new Uint8Array(32) }), nobody: () => Client.open("nobody", key) }[call]();
      return "nothing";
    } catch (error) {
      return `${error.constructor.name} ${error.code} ${error instanceof window.windlass.WindlassError}`;
    }
  }, call);

test("a page with a strict policy converses, and keeps what was said", options, async (t) => {
  const [port, context] = [await served(t), await browser(home(t))];
  after(t, () => context.close());
  const page = await tab(context, port);
  const talked = await page.evaluate(async () => {
    const { Client, findContact, qrSvg } = window.windlass;
    const alice = await Client.create("alice", { passphrase: "correct horse" });
    const bob = await Client.create("bob", { passphrase: "battery staple" });
    const invitation = await bob.invitation();
    const found = await findContact(`see ${invitation}`);
    await alice.addContact(invitation);
    let posted = 0;
    alice.onOutbox(() => posted++);
    const { envelopes } = await alice.send(bob.address, "Ahoy! ⚓");
    const events = await bob.receive(envelopes[0].bytes);
    const refused = await alice.send("wl1nobody", "x").catch((error) => error.code);
    await alice.close();
    const again = await Client.open("alice", { passphrase: "correct horse" });
    const [message] = await again.conversation(bob.address).messages();
    const wrong = await Client.open("bob", { passphrase: "x" }).catch((error) => error.code);
    await bob.close();
    await Client.remove("bob");
    const gone = await Client.open("bob", { passphrase: "x" }).catch((error) => error.code);
    return {
      told: events.map((event) => event.message?.text).filter(Boolean),
      text: message.text,
      date: message.sentAt instanceof Date,
      same: found.address === bob.address && found.bundle instanceof Uint8Array,
      svg: (await qrSvg(invitation)).includes("<svg"),
      posted: posted > 0,
      codes: [refused, wrong, gone],
    };
  });
  const codes = ["invalid_address", "wrong_key", "store_not_found"];
  assert.deepEqual(talked, { told: ["Ahoy! ⚓"], text: "Ahoy! ⚓", date: true, same: true, svg: true, posted: true, codes });
});

test("a store that a tab has made is opened when that is gone, by its key alone", options, async (t) => {
  const [port, context] = [await served(t), await browser(home(t))];
  after(t, () => context.close());
  const [first, second] = [await tab(context, port), await tab(context, port)];
  assert.equal(await refusal(first, "create"), "nothing");
  assert.equal(await refusal(second, "create"), "StoreLocked store_locked true");
  await first.close();
  assert.equal(await refusal(second, "open"), "nothing");
  await second.close();
  const third = await tab(context, port);
  assert.equal(await refusal(third, "other"), "WrongKey wrong_key true");
  let last;
  do last = await refusal(third, "create");
  while (last.startsWith("StoreLocked"));
  assert.equal(last, "StoreExists store_exists true");
  assert.equal(await refusal(third, "nobody"), "StoreNotFound store_not_found true");
});

test("where a page may keep no files it is told so, and nothing is kept in memory", options, async (t) => {
  const [port, context] = [await served(t), await browser(home(t))];
  after(t, () => context.close());
  const page = await tab(context, port, "insecure.test");
  for (const call of ["create", "open"]) assert.equal(await refusal(page, call), "FileUnusable file_unusable true");
});

test(`killed ${KILLS} times, a browser has lost nothing and has nothing twice`, options, async (t) => {
  const [port, profile] = [await served(t), home(t)];
  let promised = 0;
  for (let kill = 0; kill <= KILLS; kill++) {
    const context = await browser(profile);
    const page = await tab(context, port);
    let left = kill === KILLS ? 1 : 1 + Math.floor(Math.random() * 20);
    const enough = new Promise((done) => {
      page.exposeFunction("durable", (number) => {
        promised = Math.max(promised, number);
        left -= 1;
        if (left === 0) done();
      });
    });
    const talking = page.evaluate(async () => {
      const { Client } = window.windlass;
      const key = { key: new Uint8Array(32).fill(7) };
      const [alice, bob] = [await Client.openOrCreate("alice", key), await Client.openOrCreate("bob", key)];
      if ((await alice.contacts()).length === 0) await alice.addContact(await bob.invitation());
      const carry = async () => {
        for (const [from, to] of [[alice, bob], [bob, alice]]) {
          for (const { id, bytes } of await from.outbox()) {
            await to.receive(bytes);
            await from.markSent([id]);
          }
        }
      };
      await carry();
      if ((await bob.contacts()).length > 0) await bob.acceptContact(alice.address);
      const texts = async (client, other) => (await client.conversation(other.address).messages({ limit: 10_000 })).map((one) => one.text);
      window.read = async () => [await texts(alice, bob), await texts(bob, alice)];
      for (let number = (await texts(alice, bob)).length + 1; !window.ended; number++) {
        await alice.send(bob.address, `${number}`);
        await carry();
        await window.durable(number);
      }
    });
    talking.catch(() => {});
    await enough;
    if (kill === KILLS) {
      await page.evaluate(() => void (window.ended = true));
      await talking;
      const [written, read] = await page.evaluate(() => window.read());
      assert.ok(written.length >= promised && promised > KILLS);
      assert.deepEqual(written, written.map((_, index) => `${index + 1}`));
      assert.deepEqual(read, written);
      await context.close();
    } else {
      const closed = new Promise((done) => context.once("close", done));
      process.kill(processOf(profile), "SIGKILL");
      await closed;
    }
  }
});
