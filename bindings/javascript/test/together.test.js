/**
 * A person at the web page, a bot in Python and a program in Kotlin in one group, each by its own transport at one real broker: websockets here, plain
 * MQTT there. It runs where the other two packages were built: WINDLASS_PYTHON names an interpreter that has the one, and WINDLASS_KOTLIN is the class
 * path of the other with its tests.
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { broker, missing as noBroker } from "./broker.js";
import { launched, missing } from "./browser.js";
import { enter, line, page, paste, person, write } from "./page.js";
import { after, home } from "./world.js";

const { WINDLASS_KOTLIN: KOTLIN, WINDLASS_PYTHON: PYTHON } = process.env;
const others = PYTHON && KOTLIN ? false : "the packages of Python and Kotlin are not built";
const options = { skip: missing || noBroker || others, timeout: 300_000 };

const BOT = `
import sys
from windlass_chat.bot import Bot, Message

bot = Bot("python.wl", key=bytes([7]) * 32, transport=sys.argv[1], join_groups="all", name="python")


@bot.on_message
async def hear(message: Message) -> None:
    await message.reply(f"Python heard: {message.text}")


print(bot.invite(), flush=True)
bot.run()
`;

/** A program that runs until the test ends it; the invitation that it writes. */
async function invited(t, folder, program, given, environment = {}) {
  const stdio = ["ignore", "pipe", "inherit"];
  const running = spawn(program, given, { cwd: folder, stdio, env: { ...process.env, ...environment } });
  after(t, () => running.kill("SIGKILL"));
  for await (const said of createInterface(running.stdout)) {
    const invitation = /WINDLASS:[A-Z2-7]+/.exec(said)?.[0];
    if (invitation !== undefined) {
      return [invitation, running];
    }
  }
  throw new Error(`${program} ended without an invitation`);
}

/** What the page shows of messages with this text: how many. */
const shown = (tab, text) => tab.locator(`#messages li:has-text("${text}")`).count();

test("a page, a bot in Python and a program in Kotlin talk in one group, and each hears everything once", options, async (t) => {
  const folder = home(t);
  const { url, web } = await broker(t, folder);
  fs.writeFileSync(join(folder, "bot.py"), BOT);
  const store = { WINDLASS_STORE: join(folder, "kotlin.wl"), WINDLASS_KEY: "07".repeat(32), WINDLASS_TRANSPORT: url };
  const [[python, bot], [kotlin, program]] = await Promise.all([
    invited(t, folder, PYTHON, ["bot.py", url]),
    invited(t, folder, "java", ["-cp", KOTLIN, "dev.windlass.PageBotKt"], store),
  ]);

  const tab = await person(t, await launched(t), await page(t, folder, web));
  await enter(tab);
  for (const [invitation, name] of [[python, "Python"], [kotlin, "Kotlin"]]) {
    await tab.click("#add-contact");
    await tab.waitForSelector("#contact-show img");
    await paste(tab, "#contact-read", invitation);
    await line(tab, `${name} heard: Hello!`);
  }

  await tab.click("#add-group");
  await tab.fill("#group-name", "Crew");
  for (const member of await tab.locator("#group-members input").all()) await member.check();
  await tab.click("#make-group .first");
  await tab.waitForSelector("#title:has-text('Crew')");
  // Both take part before anything is said.
  await tab.waitForFunction(() => [...document.querySelectorAll("#messages li")].filter((one) => one.textContent.includes("Somebody joined")).length === 2);
  await write(tab, "@python and @kotlin, who is there?");
  for (const name of ["Python", "Kotlin"]) await line(tab, `${name} heard: @python and @kotlin, who is there?`);
  await write(tab, "only @kotlin ⚓");
  await line(tab, "Kotlin heard: only @kotlin ⚓");

  for (const running of [bot, program]) {
    running.kill("SIGTERM");
    if (running.exitCode === null && running.signalCode === null) await once(running, "exit");
  }
  for (const name of ["Python", "Kotlin"]) assert.equal(await shown(tab, `${name} heard: @python and @kotlin, who is there?`), 1, name);
  assert.deepEqual([await shown(tab, "Kotlin heard: only"), await shown(tab, "Python heard: only")], [1, 0]);
});
