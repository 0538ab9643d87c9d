/** Texts whose parts mean something. */

/** What a part of a text means, or how it looks. */
export type TextStyle =
  /** It stands for somebody. */
  | { type: "mention"; address: string }
  | { type: "bold" }
  | { type: "italic" }
  | { type: "strike" }
  | { type: "monospace" }
  /** Hidden until the reader touches it. */
  | { type: "spoiler" }
  | { type: "quote" };

/** A part of a text. It counts in Unicode scalar values, not in the units of a string: `joinRuns` and `textRuns` count for you. */
export interface TextSpan {
  start: number;
  /** At least one. */
  length: number;
  style: TextStyle;
}

/** That words are another's, as their sender says. It proves nothing. */
export interface Forward {
  /** Address of whose they are; `null` if that is not said. */
  author: string | null;
}

/**
 * What is behind a web address that stands in a text, as who wrote the text says: nothing is fetched, neither where it is written nor where it is
 * read. It proves nothing; show the address with it.
 */
export interface LinkPreview {
  /** The address as it stands in the text, by itself: `https://` or `http://`, at most 4,096 bytes. */
  url: string;
  /** What the page is called, one line of at most 256 bytes; empty for nothing. */
  title: string;
  /** Some lines of at most 1,024 bytes; empty for nothing. */
  about: string;
  /** A file of PNG, JPEG or WebP, of at most 16,384 bytes. */
  image: Uint8Array | null;
}

/** A text, and what its parts mean. */
export interface RichText {
  text: string;
  /** At most 256, each within the text; of one kind none over another. */
  spans: TextSpan[];
  /** There if the words are another's. */
  forward: Forward | null;
  /** Answers that the reader can give at a touch: at most 8, each one line of 1 to 128 bytes. */
  suggestions: string[];
  /** What is behind a web address that stands in it. */
  preview: LinkPreview | null;
}

/** A piece of a text that is the same throughout. */
export interface TextRun {
  text: string;
  styles: TextStyle[];
}
