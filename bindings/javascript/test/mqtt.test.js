import assert from "node:assert/strict";
import { test } from "node:test";

import { Post } from "../dist/bot/post.js";
import { MqttTransport } from "../dist/mqtt.js";
import { broker, missing } from "./broker.js";
import { after, home } from "./world.js";

const options = { skip: missing, timeout: 60_000 };

/** A mailbox, and each envelope that comes to it; `fail` is how often it cannot take one. */
async function mailbox(t, url, address, fail = 0) {
  const transport = new MqttTransport(url);
  const waiting = [];
  const came = [];
  await transport.start({
    address,
    deviceId: 1,
    secret: new Uint8Array(32).fill(address.charCodeAt(0)),
    receive: async (envelope) => {
      if (fail-- > 0) throw new Error("the disk is full");
      const next = waiting.shift();
      if (next) next(envelope[0]);
      else came.push(envelope[0]);
    },
  });
  after(t, () => transport.close());
  return [transport, () => (came.length ? Promise.resolve(came.shift()) : new Promise((done) => waiting.push(done)))];
}

test("what nobody keeps is not taken for delivered", options, async (t) => {
  const { url } = await broker(t, home(t));
  const [alice] = await mailbox(t, url, "alice");
  await assert.rejects(alice.deliver("bob", new Uint8Array([1])), /nobody keeps mail/);
  // A bundle is kept without a reader.
  await alice.publishBundle(new Uint8Array([9]));
  const [, next] = await mailbox(t, url, "bob");
  while (!(await alice.deliver("bob", new Uint8Array([2])).then(() => true, () => false)));
  assert.equal(await next(), 2);
});

test("a mailbox that could not take an envelope gets it again, and what it sends meanwhile arrives", options, async (t) => {
  const { url } = await broker(t, home(t));
  const [bob, next] = await mailbox(t, url, "bob", 1);
  const [alice, heard] = await mailbox(t, url, "alice");
  const sent = (to, from, byte) => (async () => {
    while (!(await from.deliver(to, new Uint8Array([byte])).then(() => true, () => false)));
  })();
  await Promise.all([sent("bob", alice, 1), sent("alice", bob, 2)]);
  // These are under way while the connection ends.
  await Promise.all(Array.from({ length: 20 }, (_, index) => sent("alice", bob, 10 + index)));
  assert.equal(await next(), 1);
  const all = new Set();
  while (all.size < 21) all.add(await heard());
});

test("an address that has rested is looked at again, also when that ends while others are carried", options, async () => {
  const outbox = [
    { id: 1, to: "away", bytes: new Uint8Array(1) },
    { id: 2, to: "slow", bytes: new Uint8Array(1) },
  ];
  const client = {
    onOutbox: () => () => {},
    outbox: async (after) => outbox.filter(({ id }) => id > after),
    markSent: async (ids) => void outbox.splice(0, outbox.length, ...outbox.filter(({ id }) => !ids.includes(id))),
  };
  const ended = new AbortController();
  let refused = 0;
  let back;
  const rested = new Promise((done) => (back = done));
  const transport = {
    async deliver(to) {
      if (to === "slow") return await rested;
      if (refused++ === 0) throw new Error("nobody keeps mail for this address");
      ended.abort();
    },
  };
  // The rest ends while the other address is still being carried to.
  const real = globalThis.setTimeout;
  globalThis.setTimeout = (call, milliseconds) => real(() => (call(), milliseconds === 1_000 && back()), 0);
  try {
    await new Post(client, transport, () => {}).run(ended.signal);
  } finally {
    globalThis.setTimeout = real;
  }
  assert.equal(refused, 2);
  assert.deepEqual(outbox, []);
});
