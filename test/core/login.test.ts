// A password that is refused is tried again: only a new connection does that.
import { expect, test } from 'vitest';
import { linkOf } from '../../src/core/query.ts';
import type { Connection } from '../../src/core/state.ts';
import { nextDeadline, step } from '../../src/core/step.ts';
import { fileWith, startFrom } from './small-state.ts';

const noDraw = () => 0;

/** A master whose node answers AUTH by `answer`, and each PING by `ping`; what its command connection was in the end. */
function loginAnswered(answer: { kind: 'text' | 'error'; text: string }, ping: typeof answer, untilMs: number) {
  const { state, master } = startFrom(
    fileWith({ authPass: 'right-soon', replicas: [], peers: [], downAfterMs: 30_000 }),
  );
  const link = linkOf(state, master);
  const first = link.command as Connection;
  for (const connection of [...state.connections.keys()])
    step(state, { kind: 'connected', connection, localIp: '10.0.1.1' }, { now: 0, wallMs: 0 }, noDraw);
  const reply = (connection: number, given: typeof answer, now: number) =>
    step(state, { kind: 'reply', connection, reply: given }, { now, wallMs: now }, noDraw);
  for (const { id } of [link.command, link.subscription] as Connection[]) reply(id, answer, 1);
  while (state.lastInputAt < untilMs) {
    const now = Math.min(untilMs, nextDeadline(state));
    step(state, { kind: 'tick' }, { now, wallMs: now }, noDraw);
    for (let pending = link.command?.pending[0]; pending !== undefined; pending = link.command?.pending[0])
      reply(link.command?.id ?? 0, ping, now);
  }
  return { isKept: link.command?.id === first.id };
}

const PONG = { kind: 'text', text: 'PONG' } as const;
const NOAUTH = { kind: 'error', text: 'NOAUTH Authentication required.' } as const;

test.each([
  {
    why: 'refused by a node that lets anybody in',
    answer: { kind: 'error', text: 'WRONGPASS x' },
    ping: PONG,
    isKept: true,
  },
  {
    why: 'refused',
    answer: { kind: 'error', text: 'WRONGPASS invalid username-password pair' },
    ping: NOAUTH,
    isKept: false,
  },
  { why: 'refused before 6.0', answer: { kind: 'error', text: 'ERR invalid password' }, ping: NOAUTH, isKept: false },
  { why: 'taken', answer: { kind: 'text', text: 'OK' }, ping: PONG, isKept: true },
  {
    why: 'not needed',
    answer: { kind: 'error', text: 'ERR Client sent AUTH, but no password is set' },
    ping: PONG,
    isKept: true,
  },
  {
    why: 'not needed since 6.0',
    answer: { kind: 'error', text: 'ERR AUTH <password> called without any password configured for the default user.' },
    ping: PONG,
    isKept: true,
  },
] as const)('a connection on which our password was $why', ({ answer, ping, isKept }) => {
  expect(loginAnswered(answer, ping, 14_900)).toEqual({ isKept: true });
  expect(loginAnswered(answer, ping, 15_900)).toEqual({ isKept });
});
