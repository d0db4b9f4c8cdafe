// The log of refusals: ACL LOG, and what is noted for it.
import type { Clock } from '../../core/effects.ts';
import { array, bulk, integer, map, ok, type Reply } from '../../protocol/reply.ts';
import { NOT_AN_INTEGER, parseInteger, wrongNumberFor } from '../arguments.ts';
import { clientLine } from '../client.ts';
import { answer, type Call, type Outcome } from '../outcome.ts';
import type { Session } from '../session.ts';
import type { Access, LogEntry } from './access.ts';

/** Refusals of one kind within so long of each other are one entry. */
const GROUPED_MS = 60_000;
/** Only among the newest ones is one of the same kind looked for. */
const COMPARED = 10;

/** Note a refusal; one of its kind that is in the log already counts up, and becomes the newest. */
export function noteDenial(
  access: Access,
  session: Session,
  denial: Pick<LogEntry, 'reason' | 'object' | 'username'>,
  { now }: Clock,
): void {
  const { log, logMaxLen } = access;
  const clientInfo = clientLine(session, now);
  const at = log.slice(0, COMPARED).findIndex((entry) => isSameKind(entry, denial) && now - entry.at <= GROUPED_MS);
  const [known] = at < 0 ? [] : log.splice(at, 1);
  if (known !== undefined) log.unshift({ ...known, count: known.count + 1, at: now, clientInfo });
  else log.unshift({ ...denial, count: 1, at: now, clientInfo });
  if (log.length > logMaxLen) log.length = logMaxLen;
}

function isSameKind(a: Omit<LogEntry, 'count' | 'at' | 'clientInfo'>, b: typeof a): boolean {
  return a.reason === b.reason && a.object === b.object && a.username === b.username;
}

const SHOWN_UNLESS_TOLD = 10n;

/** ACL LOG [count|RESET]: the newest refusals first. */
export function aclLog({ world, args, clock }: Call): Outcome {
  const [container = '', sub = '', text, ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  const { log } = world.access;
  if (text?.toLowerCase() === 'reset') {
    log.length = 0;
    return answer(ok);
  }
  const count = text === undefined ? SHOWN_UNLESS_TOLD : parseInteger(text);
  if (count === undefined) return answer(NOT_AN_INTEGER);
  const shown = count < 0n ? 0 : count > BigInt(log.length) ? log.length : Number(count);
  return answer(array(log.slice(0, shown).map((entry) => entryReply(entry, clock.now))));
}

function entryReply({ count, reason, object, username, at, clientInfo }: LogEntry, now: number): Reply {
  return map([
    ['count', integer(count)],
    ['reason', bulk(reason)],
    // Others are transactions and scripts, which a sentinel does not have.
    ['context', bulk('toplevel')],
    ['object', bulk(object)],
    ['username', bulk(username)],
    ['age-seconds', { kind: 'double', text: seventeenDigits((now - at) / 1000) }],
    ['client-info', bulk(clientInfo)],
  ]);
}

/** A number as C's `%.17g` writes it, for what is 0 or between 0.001 and 10^16: 0.004 is 0.0040000000000000001. */
export function seventeenDigits(value: number): string {
  const text = value.toPrecision(17);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
