/** A real broker. */

import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { connect, createServer } from "node:net";
import { once } from "node:events";
import { userInfo } from "node:os";
import { join } from "node:path";

import { after } from "./world.js";

const PROGRAM = ["/usr/sbin/mosquitto", "/usr/bin/mosquitto", "/opt/homebrew/sbin/mosquitto"].find((path) => fs.existsSync(path));

/** Why there is none; with CI there has to be one. */
export const missing = PROGRAM === undefined && !process.env.CI ? "mosquitto is not installed" : false;

/** Its URL, and that for browsers; `stop` and `start` are what happens to brokers. */
export async function broker(t, folder) {
  const port = await freePort();
  const web = await freePort();
  const settings = join(folder, "mosquitto.conf");
  const lines = [
    `listener ${port} 127.0.0.1`,
    // Else root's would become somebody who may not read here.
    `user ${userInfo().username}`,
    "allow_anonymous true",
    "persistence true",
    `persistence_location ${folder}/`,
    `listener ${web} 127.0.0.1`,
    "protocol websockets",
    "",
  ];
  fs.writeFileSync(settings, lines.join("\n"));
  let running;
  const start = async () => {
    running = spawn(PROGRAM, ["-c", settings], { stdio: "ignore" });
    while (!(await listens(port))) if (running.exitCode !== null) throw new Error(`mosquitto ended with ${running.exitCode}`);
  };
  const stop = async () => {
    if (running.exitCode !== null || running.signalCode !== null) return;
    running.kill();
    await once(running, "exit");
  };
  await start();
  after(t, stop);
  return { url: `mqtt://127.0.0.1:${port}`, web: `ws://127.0.0.1:${web}`, start, stop };
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

function listens(port) {
  return new Promise((done) => {
    const caller = connect(port, "127.0.0.1", () => done(true));
    caller.once("error", () => setTimeout(done, 20, false));
    caller.once("connect", () => caller.destroy());
  });
}
