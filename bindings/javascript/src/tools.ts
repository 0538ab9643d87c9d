/** What needs no client. */

import { typed } from "./errors.js";
import * as given from "./given.js";
import type { CodeProgress, FoundContact, RichText, TextRun, TypedCommand } from "./values.js";
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

/** The same as a PNG file. */
export function qrPng(text: string, options: { dark?: boolean } = {}): Uint8Array {
  return done(() => core.qrPng(given.text(text), given.flag(options.dark ?? false)));
}

/** The texts of the QR codes that show a URI: one, or several to be shown in turn. */
export function qrFrames(uri: string): string[] {
  return done(() => core.qrFrames(given.text(uri)));
}

/** @internal What the texts of codes say together; the last one is new. */
export function qrTexts(texts: string[]): CodeProgress {
  return done(() => core.qrTexts(given.texts(texts)));
}

/** @internal The texts of the codes of a picture. */
export function qrCodes(picture: Uint8Array): string[] {
  return done(() => core.qrCodes(given.bytes(picture)));
}

/** The text by which two texts are compared: a search, a command, a choice. */
export function foldText(text: string): string {
  return core.foldText(given.text(text));
}

/** A text as a command: a prefix, a name, words, however a telephone wrote them; `null` if it begins with something else. */
export function readCommand(text: string, prefix: string): TypedCommand | null {
  return core.readCommand(given.text(text), given.text(prefix)) as TypedCommand | null;
}

/** A typed number as JavaScript reads it, from the digits of any language; `null` if it is none, or may be one of two, as `1,000`. */
export function readNumber(text: string): string | null {
  return core.readNumber(given.text(text)) as string | null;
}

/** An emoji in its one form, in which reactions are told; `null` if the text is not one emoji and nothing else. */
export function readEmoji(text: string): string | null {
  return core.readEmoji(given.text(text)) as string | null;
}

/** A text of pieces, one behind the other: so nobody has to count where a mention begins. */
export function joinRuns(runs: TextRun[]): RichText {
  return core.joinRuns(given.runs(runs)) as RichText;
}

/** The pieces of a text, each with everything that it means and how it looks: what is shown one after the other. */
export function textRuns(text: Partial<RichText> & { text: string }): TextRun[] {
  return core.textRuns(given.rich(text)) as TextRun[];
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
