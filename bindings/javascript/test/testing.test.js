/** What the package has for tests of programs: a small world, and a person who talks with a bot. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { Bot } from "../dist/bot/index.js";
import { UnknownDevice, joinRuns } from "../dist/node/index.js";
import { BotTestClient, Simulation } from "../dist/testing/index.js";
import { texts } from "./world.js";

const HOUR = 3_600_000;

/** Two people who know each other. */
function pair(seed) {
  const world = new Simulation(seed);
  const [alice, bob] = [world.addPerson(), world.addPerson()];
  world.introduce(alice, bob);
  return [world, alice, bob];
}

const received = async (world, from, to) => (await texts(world.client(to), world.client(from).address)).filter((text) => text !== null);

/** A week of lost, repeated and late envelopes, and of machines that lose power; what came, and what went wrong. */
async function week(seed) {
  const [world, alice, bob] = pair(seed);
  world.setFaults({ drop: 100, duplicate: 100, delay: 300, crash: 50 });
  for (let number = 0; number < 20; number++) {
    world.send(alice, 0, bob, `${number}`);
    world.run();
  }
  for (let hours = 0; hours < 100; hours += 5) {
    world.advance(5 * HOUR);
    world.run();
  }
  return [await received(world, alice, bob), world.tally()];
}

test("on a bad network with machines that lose power everything comes once, and a seed replays it", async () => {
  const [came, tally] = await week(1);
  assert.deepEqual(came, Array.from({ length: 20 }, (_, number) => `${number}`));
  const times = Object.fromEntries(tally.map(({ what, times }) => [what, times]));
  for (const fault of ["dropped", "duplicated", "delayed", "crash while receiving"]) assert.ok(times[fault] > 0, fault);
  assert.deepEqual(await week(1), [came, tally]);
  assert.notDeepEqual((await week(2))[1], tally);
});

test("a client of a world tells what comes to it, and a machine that lost power has another", async () => {
  const [world, alice, bob] = pair(3);
  const client = world.client(bob);
  assert.equal(world.client(bob), client);
  let [posted, news] = [0, 0];
  client.onOutbox(() => posted++);
  client.onReceived(() => news++);
  const told = client.events();
  const first = told.next();
  world.send(alice, 0, bob, "Ahoy!");
  const [delivery] = world.run();
  assert.deepEqual([delivery.person, delivery.device, delivery.refused], [bob, 0, null]);
  for (let event = await first; event.value.type !== "message"; ) event = await told.next();
  assert.ok(posted > 0 && news > 0);

  world.crash(bob);
  assert.notEqual(world.client(bob), client);
  assert.deepEqual(await received(world, alice, bob), ["Ahoy!"]);
  world.loseDevice(bob);
  assert.throws(() => world.client(bob), UnknownDevice);
  assert.throws(() => world.client(bob, -1), TypeError);
  assert.throws(() => new Simulation("x"), TypeError);
});

test("the clock of a world is moved by hand, and wrong where it is put wrong", async () => {
  const [world, alice, bob] = pair(4);
  assert.equal(world.now().toISOString(), "2030-01-01T00:00:00.000Z");
  world.setClock(bob, 0, -HOUR);
  assert.equal((await world.client(bob).now()).getTime(), world.now().getTime() - HOUR);
  world.disconnect(bob);
  world.send(alice, 0, bob, "later");
  assert.deepEqual(world.run(), []);
  world.advance(HOUR);
  world.reconnect(bob);
  world.run();
  assert.deepEqual(await received(world, alice, bob), ["later"]);
  assert.equal(world.now().toISOString(), "2030-01-01T01:00:00.000Z");
});

test("a further device knows what the first one knew, and a disk that is put back is noticed", async () => {
  const [world, alice, bob] = pair(5);
  world.send(alice, 0, bob, "before");
  world.run();
  const device = world.addDevice(bob);
  world.run();
  const [known] = await world.client(bob, device).conversation(world.client(alice).address).messages();
  assert.equal(known.text, "before");
  world.copyDisk(alice);
  world.send(alice, 0, bob, "after");
  world.run();
  world.restoreDisk(alice);
  world.send(alice, 0, bob, "again");
  world.run();
  world.advance(HOUR);
  world.run();
  assert.ok(world.tally().some(({ what }) => what === "restored copy"));
  assert.ok((await received(world, alice, bob)).includes("again"));
});

/** A bot that counts what everybody says, in its store. */
function counter(client, transport) {
  const bot = new Bot(client, transport, { groupMessages: "all" });
  bot.onMessage(async (message) => {
    if (message.text === "fail") throw new RangeError("a fault of the program");
    const owner = { person: message.author };
    const before = await client.state(owner, "said");
    const said = before === null ? 1 : before[0] + 1;
    await client.commit({ changes: [{ owner, name: "said", before, after: Uint8Array.of(said) }] });
    return `${said}`;
  });
  return bot;
}

test("a bot is talked with in a test as people talk with it, and remembers after its machine lost power", async () => {
  const anne = await BotTestClient.create(counter);
  assert.equal(await anne.say("one"), "1");
  await anne.crash();
  assert.equal(await anne.say("two"), "2");
  const ben = anne.friend();
  assert.equal(await ben.say("one"), "1");
  await assert.rejects(anne.say("fail"), RangeError);
  const crew = await anne.createGroup("crew", ben);
  assert.equal(await anne.say("three", { to: crew }), "3");
  assert.equal((await ben.heard(crew)).at(-1).text, "3");
  assert.equal(await anne.advance(24 * HOUR), "");
});

test("two bots do not talk for ever, and in a group a bot hears what is meant for it", async () => {
  const heard = [];
  const anne = await BotTestClient.create((client, transport) => {
    const bot = new Bot(client, transport, { name: "harbour" });
    bot.onMessage((message) => {
      heard.push(message.text);
      return `aye, ${message.text}`;
    });
    return bot;
  });
  // Another bot of the same kind: what it answers is not answered.
  const other = anne.friend();
  await other.client.setBot(true);
  const there = other.client.conversation(anne.bot.client.address);
  await other.client.sendMany([{ to: anne.bot.client.address, body: "I answer", isAnswer: true }]);
  await anne.settle();
  assert.deepEqual(heard, []);
  assert.equal((await there.messages()).length, 1);
  assert.equal(await other.say("I begin"), "aye, I begin");

  const to = await anne.createGroup("crew", other);
  assert.equal(await anne.say("hello, all", { to }), "");
  assert.equal(await anne.say("hello, @Harbour!", { to }), "aye, hello, @Harbour!");
  assert.equal(await anne.say("hello, @harbourmaster", { to }), "");
  assert.equal(await other.say("hello, @harbour, says a bot", { to }), "");
  const group = anne.client.conversation(to);
  const theirs = (await group.messages()).findLast((one) => one.author === anne.bot.client.address);
  await group.send("and?", { replyTo: theirs.id });
  await anne.settle();
  await group.sendRich(joinRuns([{ text: "Master", styles: [{ type: "mention", address: anne.bot.client.address }] }, { text: "!", styles: [] }]));
  await anne.settle();
  assert.deepEqual(heard, ["I begin", "hello, @Harbour!", "and?", "Master!"]);
});
