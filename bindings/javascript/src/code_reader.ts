/** Codes that belong together, as a camera sees them one after the other. */

import { UriNotWindlass, WindlassError } from "./errors.js";
import * as given from "./given.js";
import type { CodeProgress } from "./values.js";

type Maybe<T> = T | Promise<T>;

/** Keeps the texts that were read, which the core puts together. What all platforms have in common. */
export class CodeReader {
  readonly #together: (texts: string[]) => Maybe<CodeProgress>;
  readonly #codes: (picture: Uint8Array) => Maybe<string[]>;
  #texts: string[] = [];

  /** @internal */
  constructor(together: (texts: string[]) => Maybe<CodeProgress>, codes: (picture: Uint8Array) => Maybe<string[]>) {
    this.#together = together;
    this.#codes = codes;
  }

  /** Takes the text of a code. */
  async take(text: string): Promise<CodeProgress> {
    const others = this.#texts.filter((one) => one !== text);
    const progress = await this.#together([...others, given.text(text)]);
    // A code of other ones than those before begins anew: then only the new one counts.
    this.#texts = progress.have === 1 ? [text] : [...others, text];
    return progress;
  }

  /** Takes all codes of a picture, the bytes of a PNG or JPEG file. Codes of other applications in it are passed over. */
  async takePicture(picture: Uint8Array): Promise<CodeProgress> {
    let progress: CodeProgress | undefined;
    let refused: WindlassError | undefined;
    for (const text of await this.#codes(given.bytes(picture))) {
      try {
        progress = await this.take(text);
      } catch (error) {
        if (!(error instanceof WindlassError)) throw error;
        if (refused === undefined || refused instanceof UriNotWindlass) refused = error;
      }
      if (progress?.uri) break;
    }
    if (progress !== undefined) return progress;
    throw refused;
  }
}
