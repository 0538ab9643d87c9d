/**
 * What the package costs: npm run measure. Sizes as a server sends them; then starting, opening, sending and receiving in Node, and in Chromium if there is
 * one; and beside them those of the native library, if WINDLASS_PYTHON names an interpreter that has the Python package. Starting is loading the core and
 * opening a store by a key of 32 bytes, in a process or page that has done nothing yet.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import { Client } from "./dist/node/index.js";
import { browser, missing, served, tab } from "./test/browser.js";

const MESSAGES = Number(process.env.WINDLASS_MESSAGES ?? 300);
const HERE = fileURLToPath(new URL(".", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "windlass-"));

function sizes() {
  const wasm = readFileSync(join(HERE, "dist/wasm/windlass_bg.wasm"));
  const brotli = brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  const kilobytes = (bytes) => `${Math.round(bytes.length / 1000)} kB`;
  console.log(`the core: ${kilobytes(wasm)}, gzip ${kilobytes(gzipSync(wasm, { level: 9 }))}, brotli ${kilobytes(brotli)}`);
}

/** Runs in Node and in a page: milliseconds, the median of each. */
async function times(Client, at, messages) {
  const key = { key: new Uint8Array(32).fill(7) };
  const [alice, bob] = [await Client.create(at("alice"), key), await Client.create(at("bob"), key)];
  await alice.addContact(await bob.invitation());
  const [send, receive] = [[], []];
  const timed = async (into, work) => {
    const begun = performance.now();
    const done = await work();
    into.push(performance.now() - begun);
    return done;
  };
  for (let number = 0; number < messages; number++) {
    const [from, to] = number % 2 ? [alice, bob] : [bob, alice];
    if (number === 0) await from.addContact(await to.invitation());
    await timed(send, () => from.send(to.address, `message ${number}`));
    for (const { id, bytes } of await from.outbox()) {
      await timed(receive, () => to.receive(bytes));
      await from.markSent([id]);
    }
  }
  await Promise.all([alice.close(), bob.close()]);
  const open = [];
  await (await Client.create(at("carol"), { passphrase: "correct horse" })).close();
  for (let number = 0; number < 3; number++) await (await timed(open, () => Client.open(at("carol"), { passphrase: "correct horse" }))).close();
  const median = (all) => all.sort((one, other) => one - other)[all.length >> 1];
  return { send: median(send), receive: median(receive), open: median(open) };
}

/** How often something is started. */
const STARTS = 5;
/** A fresh page's part of that; in Node it is the same, with the import before. */
const inPage = async () => {
  const begun = performance.now();
  const client = await window.windlass.Client.open("alice", { key: new Uint8Array(32).fill(7) });
  const took = performance.now() - begun;
  await client.close();
  return took;
};
const IN_NODE = `
const begun = performance.now();
const { Client } = await import(process.argv[1]);
const client = await Client.open(process.argv[2], { key: new Uint8Array(32).fill(7) });
console.log(performance.now() - begun);
await client.close();
`;
const IN_PYTHON = `
import sys, time
begun = time.perf_counter()
from windlass_chat import _native as n
store = n.EncryptedStore.open(sys.argv[1] + "/native-alice", n.StoreKey.from_bytes(bytes([7]) * 32))
n.Client.open(store)
print(1000 * (time.perf_counter() - begun))
`;

/** The median of what several beginnings took, in milliseconds. */
async function started(start) {
  const all = [];
  for (let number = 0; number < STARTS; number++) all.push(Number(await start()));
  return all.sort((one, other) => one - other)[STARTS >> 1];
}

const NATIVE = `
import sys, time, statistics, json
from windlass_chat import _native as n
key = n.StoreKey.from_bytes(bytes([7]) * 32)
made = lambda name: n.Client.create(n.EncryptedStore.create(sys.argv[1] + "/" + name, key))
alice, bob = made("native-alice"), made("native-bob")
alice.add_contact(bob.single_use_bundle())
bob.add_contact(alice.single_use_bundle())
send, receive, opened = [], [], []
def timed(into, work):
    begun = time.perf_counter(); done = work(); into.append(1000 * (time.perf_counter() - begun)); return done
for number in range(int(sys.argv[2])):
    one, other = (alice, bob) if number % 2 else (bob, alice)
    timed(send, lambda: one.send(other.address(), f"message {number}"))
    for envelope in one.outbox():
        timed(receive, lambda: other.receive(envelope.bytes))
        one.mark_sent([envelope.id])
words = n.StoreKey.from_passphrase("correct horse")
n.EncryptedStore.create(sys.argv[1] + "/native-carol", words).close()
for number in range(3): timed(opened, lambda: n.EncryptedStore.open(sys.argv[1] + "/native-carol", words)).close()
alice.close(); bob.close()
print(json.dumps({"send": statistics.median(send), "receive": statistics.median(receive), "open": statistics.median(opened)}))
`;

function say(where, { send, receive, open, start }) {
  const rest = `send ${send.toFixed(2)} ms, receive ${receive.toFixed(2)} ms, open with a passphrase ${open.toFixed(0)} ms`;
  console.log(`${where}: start ${start.toFixed(0)} ms, ${rest}`);
}

try {
  sizes();
  const run = (program, given) => execFileSync(program, given, { encoding: "utf8" });
  const node = await times(Client, (name) => join(folder, name), MESSAGES);
  const entry = new URL("dist/node/index.js", import.meta.url).href;
  const start = await started(() => run(process.execPath, ["--input-type=module", "-e", IN_NODE, entry, join(folder, "alice")]));
  say("Node", { ...node, start });
  if (!missing) {
    const endings = [];
    const context = await browser(join(folder, "profile"));
    const port = await served({ after: (ending) => endings.push(ending) });
    const page = await tab(context, port);
    const measured = await page.evaluate(`(${times})(window.windlass.Client, (name) => name, ${MESSAGES})`);
    await page.close();
    const inTab = async () => {
      const page = await tab(context, port);
      const took = await page.evaluate(inPage);
      await page.close();
      return took;
    };
    say("Chromium", { ...measured, start: await started(inTab) });
    await context.close();
    for (const ending of endings) await ending();
  }
  const python = process.env.WINDLASS_PYTHON;
  if (python) {
    const measured = JSON.parse(run(python, ["-c", NATIVE, folder, `${MESSAGES}`]));
    say("native", { ...measured, start: await started(() => run(python, ["-c", IN_PYTHON, folder])) });
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}
