/** The worker that has the core and the store of one client. */

import type { Engine } from "../engine.js";
import { WindlassError } from "../errors.js";
import { open } from "../local.js";
import * as tools from "../tools.js";
import start from "../wasm/windlass.js";
import type { Opened, Reply, Request } from "./messages.js";
import { remove, take } from "./place.js";

let engine: Engine | undefined;
const started = start();
const tell = (reply: Reply): void => postMessage(reply);

async function done(request: Request): Promise<unknown> {
  await started;
  switch (request.does) {
    case "open": {
      const { name, kind, key, create } = request;
      engine = await open(await take(name, create), kind, key, create);
      engine.onPosted = () => tell({ posted: true });
      return { address: engine.address, deviceId: engine.deviceId } satisfies Opened;
    }
    case "remove":
      return await remove(request.name);
    case "tool":
      return (tools as unknown as Record<string, (...given: unknown[]) => unknown>)[request.tool]?.(...request.given);
    case "ask":
      return await (engine?.ask as ((...given: unknown[]) => unknown) | undefined)?.call(engine, request.asked, ...request.given);
    case "close":
      return await engine?.close();
  }
}

addEventListener("message", async (event: MessageEvent<Request>) => {
  const { number } = event.data;
  try {
    tell({ number, value: await done(event.data) });
  } catch (error) {
    if (error instanceof WindlassError) {
      const { message, code, retry, advice } = error;
      tell({ number, said: { message, code, retry, advice } });
    } else {
      tell({ number, fault: String(error) });
    }
  }
});
