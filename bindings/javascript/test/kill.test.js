import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Client } from "../dist/node/index.js";
import { KEY, deliver, home, texts } from "./world.js";

const TALKER = fileURLToPath(new URL("talker.js", import.meta.url));
const KILLS = Number(process.env.WINDLASS_KILLS ?? 10);

test(`killed ${KILLS} times in the middle of a conversation, nothing is lost and nothing is twice`, async (t) => {
  const folder = home(t);
  const paths = ["alice", "bob"].map((name) => join(folder, name));
  const [alice, bob] = await Promise.all(paths.map((path) => Client.create(path, KEY)));
  await alice.addContact(await bob.invitation());
  // Of a stranger little is kept.
  await alice.send(bob.address, "1");
  await deliver(alice, bob);
  await bob.acceptContact(alice.address);
  await Promise.all([alice.close(), bob.close()]);

  let promised = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const talker = spawn(process.execPath, [TALKER, ...paths], { stdio: ["ignore", "pipe", "inherit"] });
    let left = 1 + Math.floor(Math.random() * 20);
    for await (const line of createInterface(talker.stdout)) {
      const [word, number] = line.split(" ");
      if (word === "sent") promised = Math.max(promised, Number(number));
      left -= 1;
      if (left === 0) talker.kill("SIGKILL");
    }
    if (talker.exitCode === null && talker.signalCode === null) await once(talker, "exit");
    assert.equal(talker.signalCode, "SIGKILL");
  }

  const [sender, receiver] = await Promise.all(paths.map((path) => Client.open(path, KEY)));
  await deliver(sender, receiver);
  const written = await texts(sender, receiver.address);
  assert.ok(written.length >= promised && promised >= KILLS);
  assert.deepEqual(written, written.map((_, index) => `${index + 1}`));
  assert.deepEqual(await texts(receiver, sender.address), written);
  await Promise.all([sender.close(), receiver.close()]);
});
