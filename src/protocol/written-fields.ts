// Fields of instances, written the moment they are known: their bytes are the same in RESP2 and RESP3, and of the
// thousands in a list nearly all are those of the last time.
import type { Reply } from './reply.ts';

/** Fields one behind the other. Joined, the parts may be longer than a string can be; each of them is none too long. */
export interface WrittenFields {
  readonly count: number;
  readonly parts: readonly string[];
}

/** What becomes a value; `undefined`: there is no such field. */
export type FieldValue = string | number | bigint | undefined;

/** Longer values stand alone. */
const LONG = 64 * 1024;
const LINE_END = '\r\n';

/** Most texts are short: `$0`, `$1` and so on are made once. */
const LENGTH_LINES = Array.from({ length: 128 }, (_, length) => `$${length}\r\n`);

/** The line before a text of this length. */
export const lengthLine = (length: number): string => LENGTH_LINES[length] ?? `$${length}\r\n`;

/** A text of at most 64 KiB as a bulk string. */
export const bulkText = (text: string): string => lengthLine(text.length) + text + LINE_END;

/** Write fields: `names` and `values` go together. */
export function writeFields(names: readonly string[], values: readonly FieldValue[]): WrittenFields {
  const parts: string[] = [];
  let count = 0;
  let texts: string[] = [];
  for (const [at, name] of names.entries()) {
    if (values[at] === undefined) continue;
    const value = String(values[at]);
    count += 1;
    texts.push(bulkText(name), lengthLine(value.length));
    if (value.length <= LONG) texts.push(value, LINE_END);
    else {
      parts.push(texts.join(''), value);
      texts = [LINE_END];
    }
  }
  // Joined at once they are one text for V8 as well; one behind the other they would be joined at each reading anew.
  parts.push(texts.join(''));
  return { count, parts };
}

/** Fields with the values that they were written from. */
export interface RememberedFields {
  readonly values: readonly FieldValue[];
  readonly written: WrittenFields;
}

/** The same; what was written `before` is taken when no value has become another one since. */
export function writeAgain(
  before: RememberedFields | undefined,
  names: readonly string[],
  values: readonly FieldValue[],
): RememberedFields {
  if (before !== undefined && areSame(before.values, values)) return before;
  return { values, written: writeFields(names, values) };
}

function areSame(before: readonly FieldValue[], values: readonly FieldValue[]): boolean {
  for (let at = 0; at < values.length; at += 1) if (before[at] !== values[at]) return false;
  return before.length === values.length;
}

/** Several groups of fields as one map. */
export function mapOf(first: WrittenFields, count: number, text: string, last: WrittenFields): Reply {
  return { kind: 'written', entries: first.count + count + last.count, parts: [...first.parts, text, ...last.parts] };
}
