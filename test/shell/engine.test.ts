// The turn: what is saved before what, what waits for a save, what happens when it fails.
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/commands/outcome.ts';
import { checkHost } from '../../src/core/admin.ts';
import { answerIsMasterDown } from '../../src/core/answer.ts';
import { createState } from '../../src/core/create.ts';
import { pushDeadline } from '../../src/core/deadlines.ts';
import type { Clock } from '../../src/core/effects.ts';
import type { SentinelState } from '../../src/core/state.ts';
import { ok } from '../../src/protocol/reply.ts';
import { createEngine, type Engine, type OuterEffect } from '../../src/shell/engine.ts';
import { SaveError } from '../../src/shell/store.ts';

const ME = 'a'.repeat(40);
const CANDIDATE = 'b'.repeat(40);

/** An engine over a world of plain variables: time stands still until a test moves it. */
function createBench() {
  let now = 1000;
  let timer: () => void = () => undefined;
  /** The delays for which the timer was set, and how many turns there were. */
  const timers: number[] = [];
  let turns = 0;
  const did: string[] = [];
  const saves: { resolve(): void; reject(error: Error): void }[] = [];
  const clock = (): Clock => ({ now, wallMs: 1_000_000 + now });
  const { state, effects } = createState(
    {
      myId: ME,
      currentEpoch: 0n,
      denyScriptsReconfig: true,
      resolveHostnames: false,
      announceHostnames: false,
      announceIp: undefined,
      announcePort: 0,
      sentinelUser: undefined,
      sentinelPass: undefined,
      masters: [],
    },
    { myId: ME, requirePass: undefined, port: 26379 },
    clock(),
    () => 0,
  );
  const world = {
    clock,
    rand: () => 0,
    save: () =>
      new Promise<void>((resolve, reject) => {
        did.push('save');
        saves.push({ resolve, reject });
      }),
    audience: () => [],
    perform: (effect: OuterEffect) => {
      did.push(
        effect.kind === 'announce' ? effect.event.name : effect.kind === 'log' ? `log ${effect.text}` : effect.kind,
      );
    },
    afterInputs: (callback: () => void) => {
      turns += 1;
      setImmediate(callback);
    },
    setTimer: (callback: () => void, delayMs: number) => {
      timer = callback;
      timers.push(delayMs);
    },
  };
  const engine = createEngine(state, world);
  engine.start(effects);
  return {
    state,
    engine,
    did,
    saves,
    clock,
    advance: (ms: number) => (now += ms),
    fireTimer: () => timer(),
    timers,
    turns: () => turns,
  };
}

const turnEnds = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
const nothing: Outcome = { replies: [] };

function ask(engine: Engine, state: SentinelState, did: string[], epoch: bigint): boolean {
  return engine.request(
    (clock) => {
      const question = { host: '127.0.0.1', port: 6379, epoch, candidate: CANDIDATE };
      const { effects } = answerIsMasterDown(state, question, clock.now, () => 0);
      return { replies: [], effects };
    },
    (_outcome, saved) => did.push(saved ? 'vote told' : 'vote withheld'),
  );
}

async function withMaster() {
  const bench = createBench();
  const { monitorMaster } = await import('../../src/core/admin.ts');
  bench.engine.request(
    (clock) => ({
      replies: [],
      effects: monitorMaster(bench.state, { name: 'm', host: '127.0.0.1', port: 6379, quorum: 2 }, clock.now),
    }),
    () => undefined,
  );
  await turnEnds();
  bench.saves.shift()?.resolve();
  await turnEnds();
  bench.did.length = 0;
  return bench;
}

describe('the turn', () => {
  test('who only asks is answered at once and ends no turn; what is due by then happens first, and ends one', async () => {
    const { engine, state, did, advance, turns } = createBench();
    await turnEnds();
    const ask = () =>
      engine.request(
        () => ({ replies: [], repeatable: true }),
        () => did.push(`answer at ${state.lastInputAt}`),
      );
    did.length = 0;
    const before = turns();
    expect(ask()).toBe(true);
    expect(did).toEqual(['answer at 1000']);
    await turnEnds();
    expect(turns()).toBe(before);
    advance(600);
    ask();
    expect(did).toEqual(['answer at 1000', 'answer at 1600']);
    await turnEnds();
    expect(turns()).toBeGreaterThan(before);
  });

  test('behind something that waits for the end of its turn, who only asks waits as well', async () => {
    const { engine, state, did, saves } = await withMaster();
    ask(engine, state, did, 1n);
    engine.request(
      () => ({ replies: [], repeatable: true }),
      () => did.push('answer'),
    );
    await turnEnds();
    expect(did).toEqual(['save']);
    saves.shift()?.resolve();
    await turnEnds();
    expect(did.indexOf('answer')).toBeGreaterThan(did.indexOf('vote told'));
  });

  test('a vote is on disk before it is told or announced, and two votes of one turn share a save', async () => {
    const { engine, state, did, saves } = await withMaster();
    ask(engine, state, did, 1n);
    ask(engine, state, did, 2n);
    await turnEnds();
    expect(did).toEqual(['save']);
    saves.shift()?.resolve();
    await turnEnds();
    expect(did).toEqual([
      'save',
      '+new-epoch',
      '+vote-for-leader',
      'vote told',
      '+new-epoch',
      '+vote-for-leader',
      'vote told',
    ]);
  });

  test('a failed save withholds the vote and its event; the failure is told, everything else goes on', async () => {
    const { engine, state, did, saves } = await withMaster();
    ask(engine, state, did, 1n);
    await turnEnds();
    saves.shift()?.reject(new SaveError('No space left on device'));
    await turnEnds();
    expect(did.slice(0, 3)).toEqual(['save', '+new-epoch', 'vote withheld']);
    expect(did[3]).toMatch(/^log WARNING: .*No space left on device$/);
    expect(state.masters.get('m')?.voteUnsaved).toBe(true);
  });

  test('the same question again saves first, and is answered once that works', async () => {
    const { engine, state, did, saves } = await withMaster();
    ask(engine, state, did, 1n);
    await turnEnds();
    saves.shift()?.reject(new SaveError('No space left on device'));
    await turnEnds();
    did.length = 0;
    ask(engine, state, did, 1n);
    await turnEnds();
    saves.shift()?.resolve();
    await turnEnds();
    expect(did).toEqual(['save', 'vote told', 'log The configuration can be saved again', '+vote-for-leader']);
    expect(state.masters.get('m')?.voteUnsaved).toBe(false);
  });

  test('what arrives during a save waits for it, and keeps the time of its arrival', async () => {
    const { engine, state, did, saves, advance, clock } = await withMaster();
    ask(engine, state, did, 1n);
    await turnEnds();
    const arrivedAt = clock().now;
    let ranAt: number | undefined;
    const executed = engine.request(
      ({ now }) => {
        ranAt = now;
        return nothing;
      },
      () => did.push('answered'),
    );
    expect(executed).toBe(false);
    advance(700);
    expect(did).not.toContain('answered');
    saves.shift()?.resolve();
    await turnEnds();
    expect(did.at(-1)).toBe('answered');
    expect(ranAt).toBe(arrivedAt);
  });

  test('a slow disk is no standstill, and no PING is counted as silent before it left', async () => {
    const { engine, state, did, saves, advance, fireTimer } = await withMaster();
    const link = [...state.links.values()][0];
    const connection = link?.command?.id ?? 0;
    engine.input({ kind: 'connected', connection, localIp: '10.0.0.7' });
    engine.input({ kind: 'reply', connection, reply: { kind: 'text', text: 'OK' } });
    engine.input({ kind: 'reply', connection, reply: { kind: 'text', text: 'PONG' } });
    await turnEnds();
    expect(link?.silentSince).toBeUndefined();
    ask(engine, state, did, 1n);
    await turnEnds();
    for (let ms = 0; ms < 3500; ms += 100) {
      advance(100);
      fireTimer();
      await turnEnds();
    }
    saves.shift()?.resolve();
    await turnEnds();
    expect(did).toContain('vote told');
    expect(did).not.toContain('+tilt');
    expect(state.lastInputAt).toBe(4500);
    // One became due in that time, and has been under way since now.
    expect(link?.silentSince).toBe(4500);
  });

  test.each([
    { why: 'after a short save at once', standsStillMs: 1, told: '-failover-abort-no-good-slave' },
    { why: 'not by a process that stood still during its save', standsStillMs: 5000, told: '+tilt' },
  ])('a replica is chosen in the present: $why', async ({ standsStillMs, told }) => {
    const { engine, state, did, saves, advance } = await withMaster();
    const master = state.masters.get('m');
    if (master === undefined) throw new Error('no master');
    ask(engine, state, did, 1n);
    await turnEnds();
    // Our own vote is what was saved: the failover goes on when that is known.
    const attempt = { failoverEpoch: 1n, forced: false, startedAt: 1000, phaseAt: 1000, excluded: [] };
    master.failover = { phase: 'select-replica', ...attempt };
    advance(standsStillMs);
    saves.shift()?.resolve();
    await turnEnds();
    await turnEnds();
    const chosen = ['+tilt', '-failover-abort-no-good-slave'].filter((event) => did.includes(event));
    expect(chosen).toEqual([told]);
  });

  test('a save that takes longer than down-after makes no node sdown', async () => {
    const { engine, state, did, saves, advance, fireTimer } = await withMaster();
    const link = [...state.links.values()][0];
    const master = state.masters.get('m');
    if (link === undefined || master === undefined) throw new Error('no master');
    master.options.downAfterMs = 1000;
    link.downAfterMs = undefined;
    const connection = link.command?.id ?? 0;
    engine.input({ kind: 'connected', connection, localIp: '10.0.0.7' });
    engine.input({ kind: 'reply', connection, reply: { kind: 'text', text: 'OK' } });
    engine.input({ kind: 'reply', connection, reply: { kind: 'text', text: 'PONG' } });
    await turnEnds();
    ask(engine, state, did, 1n);
    await turnEnds();
    // A PING becomes due in that time, but leaves only with the end of the save: nobody can have answered it.
    for (let ms = 0; ms < 3500; ms += 100) {
      advance(100);
      fireTimer();
      await turnEnds();
    }
    saves.shift()?.resolve();
    await turnEnds();
    expect(did).not.toContain('+sdown');
    expect(master.sdownAt).toBeUndefined();
    for (let ms = 0; ms < 1100; ms += 100) {
      advance(100);
      fireTimer();
      await turnEnds();
    }
    expect(did).toContain('+sdown');
  });

  test('a request that only asks saves nothing, and waits for nobody where nothing waits to be done', async () => {
    const { engine, did } = await withMaster();
    const ask = (answered: string) =>
      engine.request(
        () => nothing,
        () => did.push(answered),
      );
    expect(ask('answered')).toBe(true);
    expect(did).toEqual(['answered']);
    await turnEnds();
    expect(did).toEqual(['answered']);
  });

  test('a request that asks behind one that changed something waits for the save: nothing is told before', async () => {
    const { engine, did, saves } = await withMaster();
    engine.request(
      () => ({ ...nothing, effects: [{ kind: 'persist' }] }),
      () => did.push('changed'),
    );
    engine.request(
      () => nothing,
      () => did.push('answered'),
    );
    expect(did).toEqual([]);
    await turnEnds();
    expect(did).not.toContain('answered');
    for (const save of saves.splice(0)) save.resolve();
    await turnEnds();
    expect(did.indexOf('changed')).toBeGreaterThanOrEqual(0);
    expect(did.indexOf('answered')).toBeGreaterThan(did.indexOf('changed'));
  });
});

describe('a request that needs a host name', () => {
  async function withNames() {
    const bench = createBench();
    bench.state.settings.resolveHostnames = true;
    let runs = 0;
    const ask = (host: string) =>
      bench.engine.request(
        (clock) => {
          runs += 1;
          const { allowed, effects } = checkHost(bench.state, host, clock.now);
          return allowed === 'later' ? { replies: [], effects, awaitsName: host } : { replies: [ok], effects };
        },
        (outcome) => bench.did.push(outcome.replies.length > 0 ? `told about ${host}` : 'told nothing'),
      );
    await turnEnds();
    bench.did.length = 0;
    return { ...bench, ask, runs: () => runs };
  }

  test('waits for its name and for no other; everybody else goes on', async () => {
    const { engine, ask, did, runs } = await withNames();
    expect(ask('db.test')).toBe(false);
    expect(ask('other.test')).toBe(false);
    expect(ask('10.0.0.1')).toBe(true);
    await turnEnds();
    expect(did).toEqual(['resolve', 'resolve', 'told about 10.0.0.1']);
    engine.input({ kind: 'resolved', name: 'other.test', ips: ['10.0.0.2'] });
    await turnEnds();
    expect(did.at(-1)).toBe('told about other.test');
    expect(runs()).toBe(4);
    engine.input({ kind: 'resolve-failed', name: 'db.test', reason: 'ENOTFOUND' });
    await turnEnds();
    expect(did.at(-1)).toBe('told about db.test');
  });

  test('is answered after 5 s, whether there is an answer or not', async () => {
    const { ask, did, advance, fireTimer } = await withNames();
    ask('db.test');
    for (let ms = 0; ms < 6000; ms += 500) {
      await turnEnds();
      if (ms < 5000) expect(did).not.toContain('told about db.test');
      advance(500);
      fireTimer();
    }
    await turnEnds();
    expect(did).toContain('told about db.test');
  });
});

test('the timer is set anew when it must go off earlier, or has gone off, and not in each turn', async () => {
  const { state, engine, timers, advance, fireTimer, clock } = createBench();
  await turnEnds();
  timers.splice(0);
  advance(10);
  engine.input({ kind: 'tick' });
  await turnEnds();
  expect(timers).toEqual([]);
  pushDeadline(state.deadlines, { at: clock().now + 5, target: 0 });
  engine.input({ kind: 'tick' });
  await turnEnds();
  expect(timers).toEqual([5]);
  advance(5);
  fireTimer();
  await turnEnds();
  await turnEnds();
  expect(timers).toHaveLength(2);
});
