// What was seen of a run from the outside, line by line. The recorder writes it, the checks read nothing else.
import type { SentinelKind } from '../../src/demo/programs.ts';
import type { DataHost, Ms, SentinelHost, ServerHost, Settings } from './plan.ts';

/** `at`: milliseconds since 1970, one clock for all. */
export type Line = { readonly at: Ms } & (
  | {
      readonly kind: 'run';
      readonly seed: number;
      readonly sentinels: Readonly<Record<SentinelHost, SentinelKind>>;
      readonly settings: Settings;
    }
  | {
      readonly kind: 'episode';
      readonly index: number;
      /** `faults-over`: all are undone. `disorder`: order did not come back in time. */
      readonly step: 'begins' | 'faults-over' | 'in-order' | 'disorder';
      readonly label: string;
      readonly why?: string;
    }
  | { readonly kind: 'fault'; readonly index: number; readonly step: 'begins' | 'ends'; readonly text: string }
  /** The last quiet minutes: all is in order, and must stay so. `stalled`: the machine itself stood still for so long. */
  | { readonly kind: 'quiet'; readonly step: 'begins' | 'over' | 'disorder'; readonly why?: string }
  | { readonly kind: 'stalled'; readonly ms: Ms }
  /** From now on nothing goes these ways: `s1>s2`. */
  | { readonly kind: 'network'; readonly cut: readonly string[] }
  | {
      readonly kind: 'process';
      readonly who: ServerHost;
      /** `died`: nobody of us ended it. */
      readonly step: 'started' | 'ended' | 'stopped' | 'continued' | 'died';
      readonly how?: string;
      /** SENTINEL MYID */
      readonly id?: string;
    }
  /** An event, as its sentinel logged it or told its subscribers. */
  | {
      readonly kind: 'event';
      readonly by: SentinelHost;
      readonly via: 'log' | 'pubsub';
      readonly channel: string;
      readonly payload: string;
    }
  /** Something that no good program prints. */
  | { readonly kind: 'outcry'; readonly by: SentinelHost; readonly text: string }
  /** What was heard on a data node; it may have been said long ago. */
  | {
      readonly kind: 'hello';
      readonly by: SentinelHost;
      readonly epoch: number;
      readonly master: string;
      readonly configEpoch: number;
    }
  /** SENTINEL MASTERS */
  | {
      readonly kind: 'view';
      readonly by: SentinelHost;
      readonly master: string;
      readonly configEpoch: number;
      readonly flags: string;
    }
  /** Its file, while it does not run. */
  | {
      readonly kind: 'file';
      readonly by: SentinelHost;
      readonly loads: boolean;
      readonly why?: string;
      readonly master: string;
      readonly epoch: number;
      readonly configEpoch: number;
      readonly leaderEpoch: number;
    }
  /** INFO replication */
  | { readonly kind: 'role'; readonly by: DataHost; readonly role: string; readonly follows?: string }
  /** The answer to SENTINEL FAILOVER. */
  | { readonly kind: 'order'; readonly by: SentinelHost; readonly answer: string }
  /** `at`: when it was acknowledged, or failed. `to`: who did it. */
  | {
      readonly kind: 'write';
      readonly writer: string;
      readonly n: number;
      readonly sentAt: Ms;
      readonly to?: string;
      readonly error?: string;
    }
  /** What the last master holds of a writer: the first and last number of each unbroken row. */
  | {
      readonly kind: 'kept';
      readonly on: DataHost;
      readonly writer: string;
      readonly rows: readonly (readonly [number, number])[];
    }
);

export type LineOf<K extends Line['kind']> = Extract<Line, { kind: K }>;

/** The lines of one kind, in order. */
export function only<K extends Line['kind']>(lines: readonly Line[], kind: K): LineOf<K>[] {
  return lines.filter((line): line is LineOf<K> => line.kind === kind);
}

const LOG_LINE = /^\d+:X (\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}) [-.*#] ([+-][a-z-]+) ?(.*)$/;

/** The event in a line of a sentinel's log, whose clock is UTC; `undefined` for any other line. */
export function eventIn(by: SentinelHost, logLine: string): LineOf<'event'> | undefined {
  const [, time, channel, payload] = LOG_LINE.exec(logLine) ?? [];
  if (time === undefined || channel === undefined || payload === undefined) return undefined;
  return { at: Date.parse(`${time} UTC`), kind: 'event', by, via: 'log', channel, payload };
}

/** What a program prints when something went wrong that it did not foresee. */
const OUTCRIES =
  /unhandled|uncaught|AssertionError|TypeError|RangeError|ReferenceError|^\s+at .+:\d+:\d+\)?$|FATAL ERROR/i;

export function isOutcry(printed: string): boolean {
  return OUTCRIES.test(printed);
}

/** What a sentinel's file says of itself and its only master. */
export function factsIn(file: string): Pick<LineOf<'file'>, 'master' | 'epoch' | 'configEpoch' | 'leaderEpoch'> {
  const after = (words: string) => new RegExp(`^sentinel ${words} (\\S+)`, 'm').exec(file)?.[1];
  return {
    master: after('monitor mymaster') ?? '',
    epoch: Number(after('current-epoch') ?? 0),
    configEpoch: Number(after('config-epoch mymaster') ?? 0),
    leaderEpoch: Number(after('leader-epoch mymaster') ?? 0),
  };
}

/** Numbers to unbroken rows of them; they may come in any order, and more than once. */
export function toRows(numbers: readonly number[]): [number, number][] {
  const rows: [number, number][] = [];
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = rows.at(-1);
    if (last !== undefined && n <= last[1] + 1) last[1] = n;
    else rows.push([n, n]);
  }
  return rows;
}
