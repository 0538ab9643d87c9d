import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client, StoreExists, StoreLocked, StoreNotFound, WrongKey } from "../dist/node/index.js";
import { KEY, deliver, home, pair, texts } from "./world.js";

const HOLDER = fileURLToPath(new URL("holder.js", import.meta.url));

test("a store is opened again by what made it, and by nothing else", async (t) => {
  const path = join(home(t), "deep", "alice");
  const first = await Client.create(path, { passphrase: "correct horse" });
  const { address } = first;
  await assert.rejects(Client.create(path, KEY), StoreLocked);
  await first.close();
  await first.close();
  await assert.rejects(first.contacts(), { code: "store_closed", name: "StoreClosed" });
  await assert.rejects(Client.create(path, KEY), StoreExists);
  await assert.rejects(Client.open(path, { passphrase: "battery staple" }), WrongKey);
  await assert.rejects(Client.open(path, { passphrase: "" }), { code: "empty_passphrase" });
  await assert.rejects(Client.open(path, { key: new Uint8Array(31) }), { code: "invalid_key_length" });
  await assert.rejects(Client.open(`${path}-elsewhere`, KEY), StoreNotFound);
  assert.equal(fs.existsSync(`${path}-elsewhere`), false);
  const again = await Client.open(path, { content: "correct horse\n" });
  assert.equal(again.address, address);
  await again.changeKey(KEY);
  await again.close();
  await assert.rejects(Client.open(path, { passphrase: "correct horse" }), WrongKey);
  await (await Client.open(path, KEY)).close();
  assert.deepEqual(fs.readdirSync(path).sort(), ["store", "store.keys"]);
  assert.equal(fs.statSync(join(path, "store")).mode & 0o077, 0);
});

test("files that are no store, or a part of one, are typed errors", async (t) => {
  const folder = home(t);
  const path = join(folder, "alice");
  fs.writeFileSync(path, "a file");
  await assert.rejects(Client.open(path, KEY), { code: "file_unusable" });
  await assert.rejects(Client.create(join(path, "below"), KEY), (error) => error.code !== undefined);
  fs.rmSync(path);
  await (await Client.create(path, KEY)).close();
  fs.renameSync(join(path, "store.keys"), join(folder, "keys"));
  await assert.rejects(Client.open(path, KEY), { code: "key_slots_missing" });
  fs.writeFileSync(join(path, "store.keys"), "nothing");
  await assert.rejects(Client.open(path, KEY), { code: "key_slots_damaged" });
  fs.copyFileSync(join(folder, "keys"), join(path, "store.keys"));
  fs.truncateSync(join(path, "store"), 0);
  await assert.rejects(Client.open(path, KEY), { code: "not_a_store" });
});

test("a store has one process, and whoever comes after its death finds no lock", async (t) => {
  // A path that is longer than the name of a socket may be.
  const path = join(home(t), "x".repeat(120), "alice");
  await (await Client.create(path, KEY)).close();
  for (let round = 0; round < 3; round++) {
    const holder = spawn(process.execPath, [HOLDER, path], { stdio: ["pipe", "pipe", "inherit"] });
    await once(createInterface(holder.stdout), "line");
    await assert.rejects(Client.open(path, KEY), StoreLocked);
    await assert.rejects(Client.create(path, KEY), StoreLocked);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    await (await Client.open(path, KEY)).close();
  }
  assert.deepEqual(fs.readdirSync(path).sort(), ["store", "store.keys"]);
});

test("of many that want a store at once one has it at most, and it is free afterwards", async (t) => {
  const path = join(home(t), "alice");
  await (await Client.create(path, KEY)).close();
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => Client.open(path, KEY)));
  const opened = tries.filter((one) => one.status === "fulfilled");
  assert.ok(opened.length <= 1);
  for (const one of tries) if (one.status === "rejected") assert.ok(one.reason instanceof StoreLocked, one.reason);
  for (const { value } of opened) await value.close();
  await (await Client.open(path, KEY)).close();
});

test("what was deleted and shredded is not in the files any more", async (t) => {
  const [alice, bob] = await pair(t);
  await alice.send(bob.address, "to be forgotten");
  await deliver(alice, bob);
  await bob.deleteConversation(alice.address);
  assert.ok((await bob.shred()).buckets > 0);
  assert.equal((await bob.inspect()).dirtyBuckets, 0);
  assert.deepEqual(await texts(bob, alice.address), []);
});
