/** Two clients that talk until they are killed. Each line is told once what it says is durable. */

import { Client } from "../dist/node/index.js";
import { KEY } from "./world.js";

const [, , ...paths] = process.argv;
const [alice, bob] = await Promise.all(paths.map((path) => Client.open(path, KEY)));
const say = (line) => process.stdout.write(`${line}\n`);

const last = await alice.conversation(bob.address).messages({ limit: 1 });
for (let number = Number(last.at(-1)?.text ?? 0) + 1; ; number++) {
  await alice.send(bob.address, `${number}`);
  say(`sent ${number}`);
  for (const [from, to] of [[alice, bob], [bob, alice]]) {
    for (const { id, bytes } of await from.outbox()) {
      await to.receive(bytes);
      await from.markSent([id]);
    }
  }
  say(`received ${number}`);
  // So that what was said reaches the pipe.
  await new Promise((done) => setImmediate(done));
}
