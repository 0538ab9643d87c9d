/** What page and worker say to each other. */

import type { Asked, Wanted } from "../engine.js";
import type { Said } from "../errors.js";

/** From the page. Each is answered once. */
export type Request = { number: number } & (
  | ({ does: "open"; name: string } & Wanted)
  | { does: "remove"; name: string }
  | { does: "tool"; tool: string; given: unknown[] }
  | { does: "ask"; asked: Asked; given: unknown[] }
  | { does: "backup"; kind: string; key: Uint8Array }
  | { does: "finish"; transfer: string }
  | { does: "close" }
);

/** From the worker. */
export type Reply =
  | { number: number; value: unknown }
  /** An error of the table, or only a sentence: a fault of a program. */
  | { number: number; said: Said }
  | { number: number; fault: string }
  /** Something was put into the outbox. */
  | { posted: true }
  /** Something was written, in this tab or another. */
  | { changed: true }
  /** An envelope was taken in, in this tab or another. */
  | { received: true };
