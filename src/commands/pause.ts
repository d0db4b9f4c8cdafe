// CLIENT PAUSE and UNPAUSE: requests are held back, not refused. Watching, voting and failing over go on.
import type { Ms } from '../core/state.ts';
import { error, ok } from '../protocol/reply.ts';
import { parseInteger, wrongNumberFor } from './arguments.ts';
import { answer, type Call, type Outcome } from './outcome.ts';
import type { Sessions } from './session.ts';

/** Longer than any process lives; a later instant would not be exact in a number. */
const LONGEST_MS = BigInt(Number.MAX_SAFE_INTEGER) / 2n;

/** CLIENT PAUSE ms [WRITE|ALL]: a pause that is under way can become longer and stricter, but not less so. */
export function clientPause({ world, clock, args }: Call): Outcome {
  const [container = '', sub = '', text = '', mode = 'all', ...more] = args;
  if (more.length > 0) return answer(wrongNumberFor(container, sub));
  const lower = mode.toLowerCase();
  if (lower !== 'all' && lower !== 'write') return answer(error('ERR CLIENT PAUSE mode must be WRITE or ALL'));
  const forMs = parseInteger(text);
  if (forMs === undefined) return answer(error('ERR timeout is not an integer or out of range'));
  if (forMs < 0n) return answer(error('ERR timeout is negative'));
  // Differs: redis-sentinel 7.0.15 says OK to what its clock cannot hold, and does not pause.
  if (forMs > LONGEST_MS) return answer(error('ERR timeout is out of range'));
  const { sessions } = world;
  const present = pauseAt(sessions, clock.now);
  sessions.pause = {
    until: Math.max(present?.until ?? 0, clock.now + Number(forMs)),
    everything: lower === 'all' || present?.everything === true,
  };
  return answer(ok);
}

export function clientUnpause({ world }: Call): Outcome {
  world.sessions.pause = undefined;
  return answer(ok);
}

/** The pause that is under way at `now`. */
export function pauseAt(sessions: Sessions, now: Ms): Sessions['pause'] {
  if (sessions.pause !== undefined && sessions.pause.until <= now) sessions.pause = undefined;
  return sessions.pause;
}

/** Is this command held back at `now`? A pause of writes holds back what data nodes would tell their replicas: PUBLISH. */
export function isHeldBack(sessions: Sessions, fullName: string, now: Ms): boolean {
  const pause = pauseAt(sessions, now);
  return pause !== undefined && (pause.everything || fullName === 'publish');
}
