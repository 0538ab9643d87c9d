/** Where a browser keeps a store, and when it does not any more. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { browser, launched, missing, served, tab } from "./browser.js";
import { after, home } from "./world.js";

const options = { skip: missing, timeout: 120_000 };

/** A tab, and what the browser's own tools can do to its origin. */
async function place(t) {
  const [port, context] = [await served(t), await browser(home(t))];
  after(t, () => context.close());
  const page = await tab(context, port);
  return [page, await context.newCDPSession(page), `http://localhost:${port}`, context];
}

/** Opens or makes `alice` in a page or frame; `null`, or the code of what is refused. */
const opened = (page, call) =>
  page.evaluate(async (call) => {
    try {
      window.client = await window.windlass.Client[call]("alice", { key: new Uint8Array(32).fill(7) });
      return null;
    } catch (error) {
      return error.code ?? `${error}`;
    }
  }, call);

test("a full quota is an error that loses nothing, and passes", options, async (t) => {
  const [page, tools, origin] = await place(t);
  assert.equal(await opened(page, "create"), null);
  await page.evaluate(async () => {
    const bob = await window.windlass.Client.create("bob", { key: new Uint8Array(32) });
    window.bob = await client.addContact(await bob.invitation());
  });
  const { usage } = await tools.send("Storage.getUsageAndQuota", { origin });
  await tools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 300_000 });
  const [code, sent] = await page.evaluate(async () => {
    for (let sent = 0; ; sent++) {
      try {
        await client.send(bob.address, { type: "opaque", data: crypto.getRandomValues(new Uint8Array(60_000)) });
      } catch (error) {
        return [error.code ?? `${error}`, sent];
      }
    }
  });
  assert.equal(code, "disk_full");
  await tools.send("Storage.overrideQuotaForOrigin", { origin });
  assert.equal(await page.evaluate(() => client.close().then(() => null, (error) => error.code)), null);
  assert.equal(await opened(page, "open"), null);
  const kept = await page.evaluate(async () => {
    const [contact] = await client.contacts();
    return (await client.conversation(contact.address).messages({ limit: 1_000 })).length;
  });
  assert.equal(kept, sent);
});

test("a site whose data the user deleted has no store, and can have a new one", options, async (t) => {
  const [page, tools, origin, context] = await place(t);
  assert.equal(await opened(page, "create"), null);
  await page.evaluate(() => client.close());
  await tools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
  assert.equal(await opened(page, "open"), "store_not_found");
  assert.equal(await opened(page, "create"), null);
  // While it is open: whatever the browser leaves of it, the next one that opens it is told the truth.
  await tools.send("Storage.clearDataForOrigin", { origin, storageTypes: "all" });
  await page.close();
  const port = new URL(origin).port;
  const next = await tab(context, port);
  let said;
  do said = await opened(next, "open");
  while (said === "store_locked");
  assert.ok(said === null || said === "store_not_found", said);
});

test("in a frame of another site a store is another one, or it is refused", options, async (t) => {
  const [page, , origin, context] = await place(t);
  assert.equal(await opened(page, "create"), null);
  const port = new URL(origin).port;
  for (const [host, refused] of [["127.0.0.1", "store_not_found"], ["insecure.test", "file_unusable"]]) {
    const top = await context.newPage();
    await top.goto(`http://${host}:${port}/frame`);
    const frame = await (await top.waitForSelector("iframe")).contentFrame();
    await frame.waitForFunction(() => window.windlass !== undefined);
    const said = await opened(frame, "open");
    assert.ok(said === refused || said === "file_unusable", `${host}: ${said}`);
  }
});

test("a private window has a store until it is closed, or says that it has none", options, async (t) => {
  const port = await served(t);
  const program = await launched(t);
  const context = await program.newContext();
  const page = await tab(context, port);
  const said = await opened(page, "create");
  assert.ok(said === null || said === "file_unusable", said);
  await context.close();
  const another = await program.newContext();
  after(t, () => another.close());
  const later = await opened(await tab(another, port), "open");
  assert.equal(later, said === null ? "store_not_found" : "file_unusable");
});

test("a page without isolation has a store", options, async (t) => {
  const [page] = await place(t);
  assert.equal(await page.evaluate(() => window.crossOriginIsolated), false);
  assert.equal(await opened(page, "create"), null);
});

test("a worker that is ended with its page leaves a store that opens", options, async (t) => {
  const [page] = await place(t);
  assert.equal(await opened(page, "create"), null);
  const address = await page.evaluate(() => client.address);
  await page.reload();
  await page.waitForFunction(() => window.windlass !== undefined);
  let said;
  do said = await opened(page, "open");
  while (said === "store_locked");
  assert.equal(said, null);
  assert.equal(await page.evaluate(() => client.address), address);
});
