// The sentinels' events as a reader of the demo meets them: names instead of addresses and ids, and what several
// sentinels say within a short time on one line.
import type { PublishedEvent } from './client.ts';

/** Names for ports of nodes and for run ids of sentinels. */
export interface Names {
  node(port: string): string;
  sentinel(runId: string): string;
}

export interface EventLine {
  /** When the first sentinel said it. */
  readonly at: number;
  readonly channel: string;
  readonly text: string;
  /** Which sentinels said it, by their places in the list, from 0. */
  readonly by: number[];
}

/** Later than this, the same words are another story. */
const TOGETHER_MS = 3_000;

/** Add what the sentinel at `place` published: to the line that says the same, or as a line of its own. */
export function addEvent(
  lines: EventLine[],
  place: number,
  { at, channel, payload }: PublishedEvent,
  names: Names,
): EventLine {
  const text = inNames(channel, payload, names);
  const same = lines.findLast((line) => line.channel === channel && line.text === text && at - line.at < TOGETHER_MS);
  if (same !== undefined && !same.by.includes(place)) {
    same.by.push(place);
    return same;
  }
  const line = { at, channel, text, by: [place] };
  lines.push(line);
  return line;
}

/** `master mymaster <ip> <port> …`, optionally `@ <master> <ip> <port>`, optionally more. */
const INSTANCE = /^(master|slave|sentinel) (\S+) \S+ (\d+)(?: @ \S+ \S+ \d+)?(.*)$/;
const SWITCH = /^\S+ \S+ (\d+) \S+ (\d+)$/;
const VOTE = /^([0-9a-f]{40}) (\d+)$/;

/** An event's payload with names for addresses and ids. */
export function inNames(channel: string, payload: string, names: Names): string {
  const moved = channel === '+switch-master' ? SWITCH.exec(payload) : null;
  if (moved !== null) return `${names.node(moved[1] ?? '')} -> ${names.node(moved[2] ?? '')}`;
  const vote = VOTE.exec(payload);
  if (vote !== null) return `${names.sentinel(vote[1] ?? '')}, epoch ${vote[2]}`;
  if (channel === '+new-epoch') return `epoch ${payload}`;
  const [, kind = '', id = '', port = '', rest = ''] = INSTANCE.exec(payload) ?? [];
  if (kind === '') return payload;
  if (kind === 'sentinel') return `${names.sentinel(id)}${rest}`;
  const more = rest.replace(' new reported role is ', ' says it is a ').replace('a slave', 'a replica');
  return `${kind === 'slave' ? 'replica' : kind} ${names.node(port)}${more}`;
}
