/** The chat page of the examples, in real browsers. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import axe from "axe-core";

import { qrPng } from "../dist/node/index.js";
import { broker, missing as noBroker } from "./broker.js";
import { launched, missing } from "./browser.js";
import { WIDE, enter, line, page, paste, person, write } from "./page.js";
import { home } from "./world.js";

/** Where pictures of the page go, to be looked at. */
const PICTURES = process.env.WINDLASS_PICTURES;
const options = { skip: missing || noBroker, timeout: 300_000 };
const NARROW = { width: 390, height: 844 };

/** What nobody can use who does not see, or sees badly. */
async function accessible(tab, name) {
  if (PICTURES) await tab.screenshot({ path: join(PICTURES, `${name}.png`) });
  const wide = await tab.evaluate(() => {
    const all = [document.documentElement, ...document.querySelectorAll("dialog[open], #list, #log")];
    return all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.id || one.tagName);
  });
  assert.deepEqual(wide, [], `${name} is wider than its screen`);
  await tab.evaluate(axe.source);
  const { violations } = await tab.evaluate(() => window.axe.run());
  const found = violations.map(({ id, nodes }) => `${name}: ${id} ${nodes.map((node) => node.target).join(" ")}`);
  assert.deepEqual(found, []);
}

const codeOf = (tab, place) => tab.inputValue(`${place} textarea[readonly]`);

test("people meet by a code, talk, make a group, and link a device, on any screen", options, async (t) => {
  const folder = home(t);
  const { web } = await broker(t, folder);
  const url = await page(t, folder, web);
  const program = await launched(t);
  const alice = await person(t, program, url);
  const bob = await person(t, program, url, { viewport: NARROW, colorScheme: "dark", hasTouch: true });
  await accessible(alice, "door-wide-light");
  await accessible(bob, "door-narrow-dark");
  await enter(alice);
  await enter(bob, "battery staple");
  await accessible(alice, "empty-wide-light");

  await alice.click("#add-contact");
  await alice.waitForSelector("#contact-show img");
  await accessible(alice, "contact-wide-light");
  const invitation = await codeOf(alice, "#contact-show");
  await bob.click("#add-contact");
  await bob.waitForSelector("#contact-show img");
  await accessible(bob, "contact-narrow-dark");
  // As a picture of Alice's screen.
  await bob.setInputFiles("#contact-read input[type=file]", { name: "code.png", mimeType: "image/png", buffer: Buffer.from(qrPng(invitation)) });
  await line(bob, "Hello!");
  await alice.keyboard.press("Escape");
  await alice.click("#list button");
  await line(alice, "Hello!");
  await alice.click("#accept");
  await write(alice, "Ahoy, who is there?");
  await line(bob, "Ahoy, who is there?");
  await write(bob, "Bob <b>himself</b>");
  await line(alice, "Bob <b>himself</b>");
  await alice.click("#rename");
  await alice.fill("#ask-answer", "Bob");
  await alice.click("#ask .first");
  await alice.waitForSelector("#title:has-text('Bob')");
  await alice.waitForSelector("#status:has-text('Connected')");
  await alice.waitForSelector("#messages small:has-text('read')");
  await accessible(alice, "chat-wide-light");
  await accessible(bob, "chat-narrow-dark");
  await alice.emulateMedia({ colorScheme: "dark" });
  await accessible(alice, "chat-wide-dark");
  await bob.emulateMedia({ colorScheme: "light" });
  await accessible(bob, "chat-narrow-light");

  await alice.click("#add-group");
  await alice.fill("#group-name", "Crew");
  await alice.check("#group-members input");
  await accessible(alice, "group-wide-dark");
  await alice.click("#make-group .first");
  await alice.waitForSelector("#title:has-text('Crew')");
  await bob.click("#back");
  await bob.click("#list button:has-text('Crew')");
  await bob.click("#accept");
  await write(bob, "all hands");
  await line(alice, "all hands");

  // A device of Alice's, which gets what was said.
  const tablet = await person(t, program, url, { viewport: NARROW });
  await tablet.fill("#passphrase", "another horse");
  await tablet.click("#be-linked");
  await tablet.waitForSelector("#linking-show img");
  await accessible(tablet, "linking-narrow-light");
  await alice.click("#show-devices");
  await alice.click("#link-device");
  await paste(alice, "#device-read", await codeOf(tablet, "#linking-show"));
  await alice.waitForSelector("#device-show img");
  await paste(tablet, "#linking-read", await codeOf(alice, "#device-show"));
  await tablet.waitForSelector("#linking-digits:not(:empty)");
  await tablet.waitForSelector("#linking-show img");
  await paste(alice, "#device-read", await codeOf(tablet, "#linking-show"));
  await alice.waitForSelector("#same-digits:not([hidden])");
  assert.equal(await alice.textContent("#device-digits"), await tablet.textContent("#linking-digits"));
  await accessible(alice, "devices-wide-dark");
  await alice.click("#same-digits");
  await alice.waitForSelector("#device-show img");
  await paste(tablet, "#linking-read", await codeOf(alice, "#device-show"));
  await tablet.waitForSelector("#app:not([hidden])");
  await tablet.waitForSelector("#list button:has-text('Crew')");
  await accessible(tablet, "list-narrow-light");
});

test("the page opens without a network, and what is written there is sent later", options, async (t) => {
  const folder = home(t);
  const { web, stop, start } = await broker(t, folder);
  const url = await page(t, folder, web);
  const program = await launched(t);
  const [alice, bob] = [await person(t, program, url), await person(t, program, url)];
  await enter(alice);
  await enter(bob);
  await alice.click("#add-contact");
  const invitation = await codeOf(alice, "#contact-show");
  await bob.click("#add-contact");
  await bob.waitForSelector("#contact-show img");
  await paste(bob, "#contact-read", invitation);
  await line(bob, "Hello!");
  await alice.keyboard.press("Escape");
  await alice.click("#list button");
  await alice.click("#accept");
  // From the second visit on the page is kept.
  await alice.evaluate(() => navigator.serviceWorker.ready);
  await alice.reload();
  await enter(alice);
  await stop();
  await alice.context().setOffline(true);
  await alice.reload();
  await enter(alice);
  await alice.waitForSelector("#status:has-text('Offline')");
  await alice.click("#list button");
  await write(alice, "from the high sea");
  await alice.context().setOffline(false);
  await start();
  await line(bob, "from the high sea");
});
