// What the demo says at its end: when what happened, who was chosen and why, and what became of the writes.
// Pure text from numbers.
import type { PublishedEvent } from './client.ts';
import { type Paint, wrap } from './paint.ts';

/** A replica as the leader's SENTINEL REPLICAS showed it before the choice. */
export interface Candidate {
  readonly name: string;
  readonly priority: number;
  readonly offset: number;
  readonly runId: string;
  /** As Sentinel writes them, `slave` when all is well. */
  readonly flags: string;
}

export interface Outcome {
  readonly how: 'killed' | 'hung';
  readonly struckAt: number;
  /** Name and address, such as `node 1 (127.0.0.1:7000)`. */
  readonly oldMaster: string;
  readonly newMaster: string | undefined;
  readonly milestones: readonly Milestone[];
  /** One sentence; `undefined` when nobody was chosen. */
  readonly why: string | undefined;
  readonly refusals: readonly { beganAt: number; endedAt: number | undefined; attempts: number; firstError: string }[];
  readonly acknowledged: number;
  /** Acknowledged by the old master before it was lost, and not on the new one. */
  readonly lost: number;
  /** How old the oldest of those was at the time of the strike. */
  readonly lostWithinMs: number;
  readonly returnedAt: number | undefined;
  /** What is not as it should be; all is well when there is nothing. */
  readonly problems: readonly string[];
}

export interface Milestone {
  readonly at: number;
  readonly what: string;
  readonly who: string;
}

const LABEL_WIDTH = 22;

/** The summary as lines of about `columns` characters. */
export function summaryLines(outcome: Outcome, columns: number, paint: Paint): string[] {
  const { how, struckAt, oldMaster, newMaster, milestones, why, returnedAt, problems } = outcome;
  const since = (at: number) => `${seconds(at - struckAt)} s`;
  const row = (label: string, text: string) =>
    wrap(text, Math.max(30, columns - LABEL_WIDTH - 2)).map(
      (line, index) => `  ${paint.dim((index === 0 ? label : '').padEnd(LABEL_WIDTH))}${line}`,
    );
  return [
    paint.bold(`Summary: ${oldMaster} was ${how === 'killed' ? 'killed' : 'stopped with SIGSTOP'}`),
    ...milestones.flatMap(({ at, what, who }) => row(what, `after ${since(at)}, ${who}`)),
    ...row('New master', newMaster === undefined ? paint.red('none') : paint.green(newMaster)),
    ...(why === undefined ? [] : row('Chosen because', why)),
    ...refusalLines(outcome, paint).flatMap((text, index) => row(index === 0 ? 'Writes refused' : '', text)),
    ...row('Acknowledged writes', writesText(outcome, paint)),
    ...row(
      'Old master',
      returnedAt === undefined ? paint.red('did not come back') : `a replica again after ${since(returnedAt)}`,
    ),
    problems.length === 0
      ? `  ${paint.green('All sentinels and nodes agree.')}`
      : `  ${paint.red('Not as it should be:')}`,
    ...problems.map((problem) => `    ${paint.red('-')} ${problem}`),
  ];
}

function refusalLines({ refusals, how }: Outcome, paint: Paint): string[] {
  if (refusals.length === 0) return ['never'];
  const waiting = how === 'hung' ? ', each waited for in vain' : '';
  return refusals.map(({ beganAt, endedAt, attempts, firstError }) => {
    const span = endedAt === undefined ? paint.red('to the end') : paint.bold(`for ${seconds(endedAt - beganAt)} s`);
    return `${span} (${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}${waiting}; the first said: ${firstError})`;
  });
}

function writesText({ acknowledged, lost, lostWithinMs }: Outcome, paint: Paint): string {
  const total = acknowledged.toLocaleString('en');
  if (lost === 0) return `${total}, all of them on the new master`;
  const lastMs = Math.max(1, Math.ceil(lostWithinMs));
  return `${total}, ${paint.yellow(`${lost} of them lost`)}: acknowledged in the last ${lastMs} ms before, but not yet replicated`;
}

/** Milliseconds as seconds with the digits that matter to a reader. */
export function seconds(ms: number): string {
  return (ms / 1000).toFixed(ms < 9_995 ? 2 : 1);
}

/** The turning points after `struckAt`, each as first published, by the names of those who did. */
export function milestonesOf(
  streams: readonly { who: string; events: readonly PublishedEvent[] }[],
  struckAt: number,
): Milestone[] {
  const steps = [
    { what: 'Seen down', channel: '+sdown', about: /^master / },
    { what: 'Agreed to be down', channel: '+odown', about: /^master / },
    { what: 'Leader elected', channel: '+elected-leader', about: /^/ },
    { what: 'Replica chosen', channel: '+selected-slave', about: /^/ },
    { what: 'Replica promoted', channel: '+promoted-slave', about: /^/ },
    { what: 'Clients told', channel: '+switch-master', about: /^/ },
  ];
  return steps.flatMap(({ what, channel, about }) => {
    const seen = streams.flatMap(({ who, events }) => {
      const first = events.find(
        (event) => event.channel === channel && event.at >= struckAt && about.test(event.payload),
      );
      return first === undefined ? [] : [{ at: first.at, what, who: `by ${who}` }];
    });
    return seen.sort((left, right) => left.at - right.at).slice(0, 1);
  });
}

/** One sentence on why the leader preferred `chosen`, by the rule that all sentinels follow. */
export function whyChosen(chosen: Candidate, others: readonly Candidate[]): string {
  if (others.length === 0) return 'it was the only replica';
  return others.map((other) => comparison(chosen, other)).join('; ');
}

function comparison(chosen: Candidate, other: Candidate): string {
  if (/down|disconnected/.test(other.flags)) return `${other.name} was out of reach (${other.flags})`;
  if (other.priority === 0) return `${other.name} must never be promoted (replica-priority 0)`;
  if (chosen.priority !== other.priority)
    return chosen.priority < other.priority
      ? `its replica-priority is lower than that of ${other.name} (${chosen.priority} < ${other.priority})`
      : outdated(other, `replica-priority ${other.priority} < ${chosen.priority}`);
  if (chosen.offset !== other.offset)
    return chosen.offset > other.offset
      ? `same priority as ${other.name}, but more data (offset ${chosen.offset} > ${other.offset})`
      : outdated(other, `offset ${other.offset} > ${chosen.offset}`);
  const ids = [chosen.runId, other.runId].map((id) => `${id.slice(0, 7)}…`);
  return chosen.runId < other.runId
    ? `same priority (${chosen.priority}) and data (offset ${chosen.offset}) as ${other.name}, so the smaller run id decides (${ids.join(' < ')})`
    : outdated(other, `smaller run id ${ids.reverse().join(' < ')}`);
}

/** We look every now and then; the leader may have learned something since our last look. */
function outdated(other: Candidate, advantage: string): string {
  return `at our last look ${other.name} came first (${advantage}); the leader had newer news`;
}
