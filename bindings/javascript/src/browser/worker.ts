/** The worker that has the core and the store of one client. */

import type { Engine, Opened } from "../engine.js";
import * as tools from "../tools.js";
import start from "../wasm/windlass.js";
import type { Reply, Request } from "./messages.js";
import { remove } from "./place.js";
import { reply } from "./serving.js";
import { Shared } from "./shared.js";

let engine: Engine | undefined;
const started = start();
const tell = (reply: Reply): void => postMessage(reply);

const opened = ({ address, deviceId }: Engine): Opened => ({ address, deviceId });

async function done(request: Request): Promise<unknown> {
  await started;
  switch (request.does) {
    case "open": {
      engine = await Shared.open(request.name, request);
      engine.onPosted = () => tell({ posted: true });
      engine.onChanged = () => tell({ changed: true });
      engine.onReceived = () => tell({ received: true });
      return opened(engine);
    }
    case "remove":
      return await remove(request.name);
    case "tool":
      return (tools as unknown as Record<string, (...given: unknown[]) => unknown>)[request.tool]?.(...request.given);
    case "ask":
      return await (engine?.ask as ((...given: unknown[]) => unknown) | undefined)?.call(engine, request.asked, ...request.given);
    case "backup":
      return await engine?.backup(request.kind, request.key);
    case "finish":
      if (engine === undefined) return undefined;
      await engine.finish(request.transfer);
      return opened(engine);
    case "close":
      return await engine?.close();
  }
}

addEventListener("message", async (event: MessageEvent<Request>) => {
  const { number } = event.data;
  try {
    tell({ number, value: await done(event.data) });
  } catch (error) {
    tell(reply(number, error));
  }
});
