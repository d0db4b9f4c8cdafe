// PING: its period, and the cap on unanswered requests beyond which periodic commands are withheld.
import { describe, expect, test } from 'vitest';
import { setTunable } from '../../src/core/admin.ts';
import type { NodeReply } from '../../src/core/effects.ts';
import { pingPeriod } from '../../src/core/ping.ts';
import { linkOf } from '../../src/core/query.ts';
import { nextDeadline, step } from '../../src/core/step.ts';
import { fileWith, startFrom } from './small-state.ts';

describe('pingPeriod', () => {
  test.each([
    { why: 'a tenth of down-after', downAfterMs: 5000, period: 500 },
    { why: 'never more often than ten times a second', downAfterMs: 200, period: 100 },
    { why: 'never more seldom than once a second', downAfterMs: 30_000, period: 1000 },
    { why: 'whole milliseconds', downAfterMs: 1999, period: 199 },
  ])('$why', ({ downAfterMs, period }) => {
    const { state, master } = startFrom(fileWith({ downAfterMs }));
    expect(pingPeriod(state, linkOf(state, master))).toBe(period);
  });

  test('of two masters that share a peer, the stricter one counts', () => {
    const [first] = fileWith({ downAfterMs: 30_000 }).masters;
    const [second] = fileWith({ downAfterMs: 2000, name: 'n', host: '10.0.0.9' }).masters;
    if (first === undefined || second === undefined) throw new Error('a file without masters');
    const { state, master } = startFrom(fileWith({}, { masters: [first, second] }));
    const peer = state.instances.get([...master.peers.values()][0] ?? -1);
    if (peer === undefined) throw new Error('no peer');
    expect(pingPeriod(state, linkOf(state, peer))).toBe(200);
    expect(pingPeriod(state, linkOf(state, master))).toBe(1000);
  });
});

describe('the cap on unanswered requests', () => {
  test.each([
    { why: 'one below it periodic commands go out', pending: 99, goesOn: true },
    { why: 'at it they are withheld', pending: 100, goesOn: false },
  ])('$why', ({ pending, goesOn }) => {
    const { state, master } = startFrom(fileWith());
    const { command } = linkOf(state, master);
    if (command === undefined) throw new Error('no connection');
    step(state, { kind: 'connected', connection: command.id, localIp: '10.0.1.1' }, { now: 0, wallMs: 0 }, () => 0);
    // The node answers nothing: what is unanswered is filled up with requests that nobody waits for.
    command.pending.splice(0, command.pending.length);
    for (let count = 0; count < pending; count += 1) command.pending.push({ kind: 'ignored' });
    const sent = [500, 1000, 1500, 2000, 2500, 3000].flatMap((now) =>
      step(state, { kind: 'tick' }, { now, wallMs: now }, () => 0).filter(
        (effect) => effect.kind === 'send' && effect.connection === command.id,
      ),
    );
    expect(sent.length > 0).toBe(goesOn);
  });
});

test('a connection on which everything is queued for a transaction without its end is given up', () => {
  const { state, master } = startFrom(fileWith({ replicas: [], peers: [] }));
  const { command } = linkOf(state, master);
  if (command === undefined) throw new Error('no connection');
  const at = { now: 0, wallMs: 0 };
  step(state, { kind: 'connected', connection: command.id, localIp: '10.0.1.1' }, at, () => 0);
  while (command.pending[0] !== undefined && command.pending[0].kind !== 'ping') command.pending.shift();
  const reply = { kind: 'text', text: 'QUEUED' } as const;
  const effects = step(state, { kind: 'reply', connection: command.id, reply }, at, () => 0);
  expect(effects).toContainEqual({ kind: 'disconnect', connection: command.id });
  expect(linkOf(state, master).command?.id).not.toBe(command.id);
});

test('a change of the periods counts from now on', () => {
  const { state, master } = startFrom(fileWith({ downAfterMs: 30_000 }));
  setTunable(state, { pingPeriodMs: 300 }, 0);
  expect(pingPeriod(state, linkOf(state, master))).toBe(300);
});

test('a silence that an answer ended wakes nobody when it would have lasted too long', () => {
  const { state } = startFrom(fileWith({ downAfterMs: 1000, replicas: [], peers: [] }));
  let now = 0;
  const at = () => ({ now, wallMs: now });
  const tell = (input: Parameters<typeof step>[1]) => step(state, input, at(), () => 0);
  let effects = [...state.connections.keys()].flatMap((connection) =>
    tell({ kind: 'connected', connection, localIp: '10.0.1.1' }),
  );
  /** Times at which the process was woken for nothing. */
  const idle: number[] = [];
  while (now < 12_000) {
    for (const effect of effects)
      if (effect.kind === 'send') tell({ kind: 'reply', connection: effect.connection, reply: answerTo(effect.args) });
    now = nextDeadline(state);
    effects = tell({ kind: 'tick' });
    if (effects.length === 0) idle.push(now);
  }
  expect(idle.filter((time) => time % 500 !== 0)).toEqual([]);
});

function answerTo([name]: readonly string[]): NodeReply {
  if (name === 'PUBLISH') return { kind: 'integer', value: 1n };
  return { kind: 'text', text: name === 'INFO' ? 'role:master' : 'PONG' };
}
