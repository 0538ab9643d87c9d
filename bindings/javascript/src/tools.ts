/** What needs no client. */

import { typed } from "./errors.js";
import * as given from "./given.js";
import type { CodeProgress, FoundContact } from "./values.js";
import * as core from "./wasm/windlass.js";

function done<T>(call: () => unknown): T {
  try {
    return call() as T;
  } catch (error) {
    throw typed(error);
  }
}

/** A QR code of a text as an SVG document, black on white, or light on dark. */
export function qrSvg(text: string, options: { dark?: boolean } = {}): string {
  return done(() => core.qrSvg(given.text(text), given.flag(options.dark ?? false)));
}

/** What the QR codes of a picture say, the bytes of a PNG or JPEG file. */
export function qrRead(picture: Uint8Array): CodeProgress {
  return done(() => core.qrRead(given.bytes(picture)));
}

/** The first invitation of a text, or else the first address. */
export function findContact(text: string): FoundContact {
  return done(() => core.findContact(given.text(text)));
}

/** Every error there is: its code, whether to try again, what to do. */
export function errors(): { code: string; retry: boolean; advice: string }[] {
  return done(() => core.errors());
}
