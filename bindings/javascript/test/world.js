/** Clients in a folder of their own, and mail between them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Client } from "../dist/node/index.js";

/** Opens a store at once: no passphrase has to be stretched. */
export const KEY = { key: new Uint8Array(32).fill(7) };

const endings = new WeakMap();

/** Does `ending` after the test; what was begun last is ended first. */
export function after(t, ending) {
  let all = endings.get(t);
  if (all === undefined) {
    endings.set(t, (all = []));
    t.after(async () => {
      for (const one of all.reverse()) await one();
    });
  }
  all.push(ending);
}

/** An empty folder, gone after the test. */
export function home(t) {
  const folder = mkdtempSync(join(tmpdir(), "windlass-"));
  after(t, () => rmSync(folder, { recursive: true }));
  return folder;
}

/** New clients, closed after the test. */
export async function clients(t, ...names) {
  const folder = home(t);
  const made = [];
  for (const name of names) {
    const client = await Client.create(join(folder, name), KEY);
    after(t, () => client.close());
    made.push(client);
  }
  return made;
}

/** Two clients that know each other. */
export async function pair(t) {
  const [alice, bob] = await clients(t, "alice", "bob");
  await alice.addContact(await bob.invitation());
  return [alice, bob];
}

/** Carries mail until none is left; the events of each by its address. */
export async function deliver(...all) {
  const events = new Map(all.map((client) => [client.address, []]));
  for (let posted = true; posted; ) {
    posted = false;
    for (const from of all) {
      for (const { id, to, bytes } of await from.outbox()) {
        posted = true;
        for (const other of all.filter((client) => client.address === to && client !== from)) {
          try {
            events.get(to).push(...(await other.receive(bytes)));
          } catch (error) {
            // Whatever goes to an address goes to all its devices.
            if (error.code !== "not_for_this_device") throw error;
          }
        }
        await from.markSent([id]);
      }
    }
  }
  return events;
}

/** The texts of a conversation. */
export async function texts(client, address) {
  const messages = await client.conversation(address).messages({ limit: 10_000 });
  return messages.map((message) => message.text);
}
