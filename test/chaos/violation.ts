// The rules of a run by name, and what it is that broke one.
import type { Line } from './history.ts';
import type { SentinelHost } from './plan.ts';

export const RULES = [
  'one-vote',
  'one-leader',
  'majority',
  'minority',
  'odown',
  'epoch',
  'vote-kept',
  'one-config',
  'unwanted',
  'announced',
  'alive',
  'file',
  'liveness',
  'quiet',
] as const;
export type Rule = (typeof RULES)[number];

export interface Violation {
  readonly rule: Rule;
  readonly why: string;
  /** The sentinels that broke it. */
  readonly by: readonly SentinelHost[];
  /** The lines that prove it. */
  readonly proof: readonly Line[];
  /** All of those are ts-sentinels: redis-sentinel's are told, and judged by others. */
  readonly ours: boolean;
}

export type Finding = Omit<Violation, 'ours'>;
