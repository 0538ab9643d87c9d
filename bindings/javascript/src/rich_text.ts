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

/** A text, and what its parts mean. */
export interface RichText {
  text: string;
  /** At most 256, each within the text; of one kind none over another. */
  spans: TextSpan[];
  /** There if the words are another's. */
  forward: Forward | null;
  /** Answers that the reader can give at a touch: at most 8, each one line of 1 to 128 bytes. */
  suggestions: string[];
}

/** A piece of a text that is the same throughout. */
export interface TextRun {
  text: string;
  styles: TextStyle[];
}
