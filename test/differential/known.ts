// The differences we keep, each with its reason and an example that shows it (known-differences.json; its part `golden` belongs to golden.test.ts).
import { readFileSync } from 'node:fs';
import type { Said } from './pair.ts';

export interface KnownDifference {
  readonly why: string;
  /** Some request of the conversation matches this … */
  readonly request: string;
  /** … and the two replies, as JSON of `mask`, match these. */
  readonly genuine: string;
  readonly ours: string;
  /** A conversation that shows the difference: when it no longer does, the entry has to go. */
  readonly example: readonly (readonly string[])[];
}

type Differences = Readonly<Record<string, KnownDifference>>;

/** Events of a failover that one server tells where the other does not: lines, as JSON, that match are left out. */
export interface KnownEvents {
  readonly why: string;
  readonly genuine: string;
  readonly ours: string;
}

interface Lists {
  readonly events: Readonly<Record<string, KnownEvents>>;
  /** What is meant to differ. */
  readonly differences: Differences;
  /** What is not there yet. */
  readonly notYet: Differences;
}

const lists = JSON.parse(readFileSync(new URL('./known-differences.json', import.meta.url), 'utf8')) as Lists;
export const knownEvents = lists.events;
export const knownDifferences: Differences = { ...lists.differences, ...lists.notYet };

/** One conversation of the suite: the requests of one connection, in order. */
export type Conversation = readonly (readonly string[])[];

/**
 * Where the two servers differ in a way that nobody listed, as a text for people; `undefined`: nowhere. `seen` gets the
 * names of the listed differences that were met.
 */
export function unlistedDifference(
  conversation: Conversation,
  { genuine, ours }: { readonly genuine: Said; readonly ours: Said },
  seen: Set<string> = new Set(),
): string | undefined {
  const told = () => `to ${conversation.map((words) => JSON.stringify(words)).join(' ')}`;
  for (let at = 0; at < Math.max(genuine.replies.length, ours.replies.length); at += 1) {
    const [theirs, our] = [genuine.replies[at], ours.replies[at]].map((reply) => JSON.stringify(reply) ?? 'nothing');
    if (theirs === our) continue;
    const entry = listedAs(conversation, theirs ?? '', our ?? '');
    if (entry === undefined) return [told(), `reply ${at + 1}`, ...sideBySide(theirs ?? '', our ?? '')].join('\n');
    seen.add(entry);
  }
  return genuine.end === ours.end ? undefined : `${told()}\nends: genuine ${genuine.end}, ours ${ours.end}`;
}

/** Both texts from a little before the place where they part. */
function sideBySide(theirs: string, ours: string): readonly string[] {
  let same = 0;
  while (same < theirs.length && theirs[same] === ours[same]) same += 1;
  const from = Math.max(0, same - 100);
  const shown = (text: string) => `${from > 0 ? '…' : ''}${text.slice(from, from + 400)}`;
  return [`  genuine ${shown(theirs)}`, `  ours    ${shown(ours)}`];
}

function listedAs(conversation: Conversation, theirs: string, our: string): string | undefined {
  for (const [name, { request, genuine, ours }] of Object.entries(knownDifferences)) {
    const asked = new RegExp(request, 'is');
    if (!conversation.some((words) => asked.test(words.join(' ')))) continue;
    if (new RegExp(genuine, 'is').test(theirs) && new RegExp(ours, 'is').test(our)) return name;
  }
  return undefined;
}
