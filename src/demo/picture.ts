// One picture of the cluster as lines of text: who is master, what the sentinels think, how the writes go, what happened.
// Pure: the same view gives the same lines.
import type { EventLine } from './event-lines.ts';
import { cut, type Paint, wrap } from './paint.ts';
import { seconds } from './summary.ts';

export interface NodeView {
  name: string;
  address: string;
  state: 'master' | 'replica' | 'killed' | 'hung' | 'starting';
  offset: string;
  /** For replicas: the name of their master. */
  follows: string;
  linkUp: boolean;
}

export interface SentinelView {
  name: string;
  address: string;
  /** The name of the node it takes for the master. */
  master: string;
  /** Flags of that master as Sentinel writes them. */
  flags: string;
  /** `wait_promotion` and so on, while this sentinel leads a failover. */
  failoverState: string;
  /** The newest epoch it spoke of. */
  epoch: number;
  configEpoch: string;
}

export interface View {
  title: string;
  /** What is going on, one sentence. */
  step: string;
  runningMs: number;
  nodes: readonly NodeView[];
  sentinels: readonly SentinelView[];
  perSecond: number;
  acknowledged: number;
  refusedAttempts: number;
  /** How long writes have been refused now; `undefined` when they are not. */
  refusedForMs: number | undefined;
  /** Writes per span, oldest first. */
  history: readonly number[];
  events: readonly EventLine[];
  /** Events are timed from here: the strike, or before it the start. */
  zeroAt: number;
}

const FEW_EVENTS = 8;

/** Draw the view into `rows` lines of at most `columns` characters; the newest events that fit are shown. */
export function drawPicture(view: View, { columns, rows }: { columns: number; rows: number }, paint: Paint): string[] {
  const full = [
    '',
    ` ${paint.dim(`${(view.runningMs / 1000).toFixed(1)} s`)}  ${paint.bold(view.title)}`,
    ...wrap(view.step, columns - 3).map((line, index) => ` ${index === 0 ? paint.cyan('>') : ' '} ${line}`),
    '',
    ` ${paint.bold('Data nodes')}`,
    ...view.nodes.map((node) => `   ${nodeLine(node, isNamed(node, view), paint)}`),
    '',
    ` ${paint.bold('Sentinels')}${paint.dim(`${' '.repeat(24)}master is  epoch  config  thinks`)}`,
    ...view.sentinels.map((sentinel) => `   ${sentinelLine(sentinel, paint)}`),
    '',
    ` ${paint.bold('Writes')}     ${writesLine(view, paint)}`,
    `   ${historyLine(view.history, columns - 6, paint)}`,
    '',
    ` ${paint.bold('Events')}${paint.dim('     seconds, sentinels that say so, event')}`,
  ];
  // On a low terminal a few events are worth more than empty lines.
  const head = rows < full.length + FEW_EVENTS ? full.filter((line) => line !== '') : full;
  const room = Math.max(0, rows - head.length);
  const events = room === 0 ? [] : view.events.slice(-room);
  const tail = events.map((line) => `   ${eventLine(line, view, columns, paint)}`);
  return [...head, ...tail].slice(0, rows).map((line) => cut(line, columns));
}

/** Does any sentinel take this node for the master? */
function isNamed({ name }: NodeView, { sentinels }: View): boolean {
  return sentinels.some(({ master }) => master === name);
}

function nodeLine(node: NodeView, named: boolean, paint: Paint): string {
  const { name, address, state, offset, follows, linkUp } = node;
  const place = `${name.padEnd(8)} ${address.padEnd(17)}`;
  if (state === 'killed') return `${paint.red(`✗ ${place} killed`)}`;
  if (state === 'hung') return `${paint.red(`✗ ${place} hangs`)}`;
  if (state === 'starting') return `${paint.yellow(`… ${place} starting`)}`;
  const data = paint.dim(`offset ${offset}`);
  if (state === 'master' && !named) return `${paint.yellow(`○ ${place} master `)}  ${data}  no sentinel says so`;
  if (state === 'master') return `${paint.green(`● ${place} ${paint.bold('MASTER ')}`)}  ${data}`;
  const link = linkUp ? `follows ${follows}` : paint.yellow(`looks for ${follows}`);
  return `○ ${place} replica  ${data}  ${link}`;
}

function sentinelLine(
  { name, address, master, flags, failoverState, epoch, configEpoch }: SentinelView,
  paint: Paint,
): string {
  const thought = thinks(flags, failoverState);
  const painted = thought === 'all is well' ? paint.dim(thought) : paint.yellow(thought);
  const place = `${name.padEnd(11)} ${address.padEnd(17)}`;
  return `${place} ${master.padEnd(9)}  ${String(epoch).padStart(5)}  ${configEpoch.padStart(6)}  ${painted}`;
}

/** The flags of a master in words. */
function thinks(flags: string, failoverState: string): string {
  if (failoverState !== '') return `fails it over: ${failoverState.replaceAll('_', ' ')}`;
  if (flags.includes('o_down')) return 'it is down, others agree';
  if (flags.includes('s_down')) return 'it is down';
  return flags.includes('disconnected') ? 'no connection' : 'all is well';
}

function writesLine({ perSecond, acknowledged, refusedAttempts, refusedForMs }: View, paint: Paint): string {
  const counts = paint.dim(`  ${acknowledged} acknowledged, ${refusedAttempts} refused`);
  if (refusedForMs === undefined) return `${paint.green(`${String(perSecond).padStart(4)} per second`)}${counts}`;
  return `${paint.red(paint.bold(`REFUSED for ${seconds(refusedForMs)} s`))}${counts}`;
}

const bars = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

function historyLine(history: readonly number[], width: number, paint: Paint): string {
  const shown = history.slice(-Math.max(1, width));
  const top = Math.max(1, ...shown);
  const bar = (count: number) => (count === 0 ? paint.red('·') : paint.green(bars[Math.ceil((count / top) * 8)] ?? ''));
  return shown.map(bar).join('');
}

function eventLine(
  { at, channel, text, by }: EventLine,
  { zeroAt, sentinels }: View,
  columns: number,
  paint: Paint,
): string {
  const places = sentinels.map((_, place) => (by.includes(place) ? String(place + 1) : ' '));
  return `${paint.dim(sinceText(at - zeroAt))}  ${places.join(' ')}  ${channelText(channel, columns, paint)} ${text}`;
}

/** `+1.023`, as wide for all times of a demo. */
export function sinceText(ms: number): string {
  return `${ms < 0 ? '-' : '+'}${(Math.abs(ms) / 1000).toFixed(3)}`.padStart(8);
}

/** `+failover-state-send-slaveof-noone` */
export const LONGEST_CHANNEL = 34;
/** The names of most events fit in this; on a narrow terminal the longer ones stick out. */
const USUAL_CHANNEL = 20;

function channelText(channel: string, columns: number, paint: Paint): string {
  const padded = channel.padEnd(columns < 90 ? USUAL_CHANNEL : LONGEST_CHANNEL);
  if (channel === '+switch-master' || channel === '+promoted-slave') return paint.green(paint.bold(padded));
  if (/^[+]([so]down|tilt)$|abort/.test(channel)) return paint.red(padded);
  return channel.startsWith('-') ? paint.green(padded) : paint.cyan(padded);
}
