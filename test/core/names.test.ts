// Host names: when they are looked up, how long an answer serves, and who is told what meanwhile.
import { describe, expect, test } from 'vitest';
import { answerIsMasterDown } from '../../src/core/answer.ts';
import type { Effect, Input } from '../../src/core/effects.ts';
import { isSettled, judgeHost, locate, sweepNames } from '../../src/core/names.ts';
import { peersOf, replicasOf } from '../../src/core/query.ts';
import type { SentinelState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';
import { beginTurn } from '../../src/core/turn.ts';
import { fileWith, startFrom } from './small-state.ts';

const noDraw = () => 0;
const asks = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'resolve' ? effect.name : []));
const logged = (effects: readonly Effect[]) => effects.flatMap((effect) => (effect.kind === 'log' ? effect.text : []));

function allowed(settings = {}): SentinelState {
  return startFrom(fileWith({}, { resolveHostnames: true, ...settings })).state;
}
const give = (state: SentinelState, input: Input, now: number) => step(state, input, { now, wallMs: now }, noDraw);
const resolved = (name: string, ...ips: string[]): Input => ({ kind: 'resolved', name, ips });
const failed = (name: string): Input => ({ kind: 'resolve-failed', name, reason: 'ENOTFOUND' });

function mention(state: SentinelState, host: string, now: number) {
  const turn = beginTurn(state, now, now, noDraw);
  const { ip } = locate(turn, host, 6379);
  return { ip, asked: asks(turn.effects) };
}

describe('a name that is mentioned', () => {
  test('is looked up once, and its answer serves for 10 s', () => {
    const state = allowed();
    expect(mention(state, 'DB.test', 0)).toEqual({ ip: undefined, asked: ['db.test'] });
    expect(mention(state, 'db.test', 1)).toEqual({ ip: undefined, asked: [] });
    give(state, resolved('db.test', '10.0.0.7', '10.0.0.8'), 2);
    expect(mention(state, 'db.test', 10_000)).toEqual({ ip: '10.0.0.7', asked: [] });
    // Meanwhile the former answer is as good as any.
    expect(mention(state, 'db.test', 10_003)).toEqual({ ip: '10.0.0.7', asked: ['db.test'] });
  });

  test('keeps its answer when a later lookup fails, which is tried again after a second, and told once', () => {
    const state = allowed();
    mention(state, 'db.test', 0);
    give(state, resolved('db.test', '10.0.0.7'), 1);
    mention(state, 'db.test', 11_000);
    expect(logged(give(state, failed('db.test'), 11_001))).toEqual([
      "Failed to resolve hostname 'db.test'",
      "Hostname 'db.test': ENOTFOUND",
    ]);
    expect(mention(state, 'db.test', 12_000)).toEqual({ ip: '10.0.0.7', asked: [] });
    expect(mention(state, 'db.test', 12_001)).toEqual({ ip: '10.0.0.7', asked: ['db.test'] });
    expect(logged(give(state, failed('db.test'), 12_002))).toEqual([]);
    mention(state, 'db.test', 13_002);
    expect(logged(give(state, resolved('db.test', '10.0.0.7'), 13_003))).toEqual([
      "Hostname 'db.test' can be resolved again: 10.0.0.7",
    ]);
  });

  test('is given up after 5 s without an answer; a later answer is taken', () => {
    const state = allowed();
    mention(state, 'db.test', 0);
    sweepNames(beginTurn(state, 4999, 4999, noDraw));
    expect(isSettled(state, 'DB.test')).toBe(false);
    sweepNames(beginTurn(state, 5000, 5000, noDraw));
    expect(isSettled(state, 'DB.test')).toBe(true);
    give(state, resolved('db.test', '10.0.0.7'), 9000);
    expect(mention(state, 'db.test', 9001)).toEqual({ ip: '10.0.0.7', asked: [] });
  });

  test('is forgotten after a minute without a mention', () => {
    const state = allowed();
    mention(state, 'db.test', 0);
    give(state, resolved('db.test', '10.0.0.7'), 1);
    sweepNames(beginTurn(state, 60_001, 60_001, noDraw));
    expect(state.names.has('db.test')).toBe(true);
    sweepNames(beginTurn(state, 60_002, 60_002, noDraw));
    expect(state.names.has('db.test')).toBe(false);
  });

  test.each([
    { why: 'an IP is none', host: '::1', ip: '::1' },
    { why: 'nothing', host: '', ip: undefined },
    { why: 'longer than any name', host: 'a'.repeat(256), ip: undefined },
  ])('is not looked up: $why', ({ host, ip }) => {
    expect(mention(allowed(), host, 0)).toEqual({ ip, asked: [] });
  });

  test('is not looked up where names are not allowed', () => {
    expect(mention(allowed({ resolveHostnames: false }), 'db.test', 0)).toEqual({ ip: undefined, asked: [] });
  });

  test('is one too many when somebody makes names up', () => {
    const state = allowed();
    for (let n = 0; n < 20_000; n += 1) mention(state, `${n}.test`, 0);
    expect(mention(state, 'db.test', 0)).toEqual({ ip: undefined, asked: [] });
    expect(mention(state, '7.test', 0).asked).toEqual([]);
  });
});

test('whether a client may name a host is said when the answer is there', () => {
  const state = allowed();
  const judge = (host: string, now: number) => judgeHost(beginTurn(state, now, now, noDraw), host);
  expect(judge('10.0.0.1', 0)).toBe('yes');
  expect(judge('', 0)).toBe('no');
  expect(judge('db.test', 0)).toBe('later');
  give(state, failed('db.test'), 1);
  expect(judge('db.test', 1)).toBe('no');
  expect(judge('db.test', 1001)).toBe('later');
  give(state, resolved('db.test', '10.0.0.7'), 1002);
  expect(judge('db.test', 1003)).toBe('yes');
  state.settings.resolveHostnames = false;
  expect(judge('db.test', 1004)).toBe('no');
  expect(judge('10.0.0.1', 1004)).toBe('yes');
});

test('names are refused, and the log says so once, where they are not allowed', () => {
  const { state, master } = startFrom(fileWith({ replicas: [] }));
  const hello = (id: string) => ['s.test', 26379, id.repeat(40), 0, 'm', '10.0.0.1', 6379, 0].join(',');
  expect(logged(give(state, { kind: 'hello', text: hello('c') }, 10))[0]).toBe("Failed to resolve hostname 's.test'");
  expect(logged(give(state, { kind: 'hello', text: hello('d') }, 20))).toEqual([]);
  expect(peersOf(state, master)).toHaveLength(1);
  expect(replicasOf(state, master)).toEqual([]);
});

describe('a peer’s question about a name', () => {
  const ask = (state: SentinelState, host: string, now: number) =>
    answerIsMasterDown(state, { host, port: 6379, epoch: 1n, candidate: 'c'.repeat(40) }, now, noDraw);

  function withNamedMaster(resolveHostnames = true) {
    const { state } = startFrom(fileWith({ host: 'db.test' }, { resolveHostnames }));
    give(state, resolved('db.test', '10.0.0.7'), 1);
    return state;
  }

  test.each([
    { why: 'as it is called here, in any case', host: 'DB.test', found: true },
    { why: 'its IP', host: '10.0.0.7', found: true },
    { why: 'its IP, written in IPv6', host: '::ffff:10.0.0.7', found: true },
    { why: 'another IP', host: '10.0.0.8', found: false },
    { why: 'another name, which has to be looked up first', host: 'alias.test', found: false },
  ])('$why', ({ host, found }) => {
    expect(ask(withNamedMaster(), host, 2).leader).toBe(found ? 'c'.repeat(40) : undefined);
  });

  test('is answered when it comes again and the name is known', () => {
    const state = withNamedMaster();
    expect(asks(ask(state, 'alias.test', 2).effects)).toEqual(['alias.test']);
    give(state, resolved('alias.test', '10.0.0.7'), 3);
    expect(ask(state, 'alias.test', 4).leader).toBe('c'.repeat(40));
  });

  test('finds nothing where names are not allowed', () => {
    const state = withNamedMaster();
    state.settings.resolveHostnames = false;
    expect(ask(state, 'db.test', 2).leader).toBeUndefined();
    expect(ask(state, '10.0.0.7', 2).leader).toBe('c'.repeat(40));
  });
});
