// A sentinel that stands still, for whatever reason, takes nobody for down when it moves again; longer than two seconds is
// a TILT, as in redis-sentinel. A disk that is slow is no standstill.
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { SentinelNode } from '../../src/demo/nodes.ts';
import { until } from '../../src/demo/until.ts';
import { program } from './run.ts';
import { event, start, told } from './support.ts';

const hook = fileURLToPath(new URL('faults/hook.mjs', import.meta.url));
const DOWN_AFTER_MS = 2500;

/** Three sentinels; the first has the hook in it, and begins a fault of it when it is told to. */
async function cluster() {
  const topology = await start({
    downAfterMs: DOWN_AFTER_MS,
    sentinels: [{ command: [process.execPath, '--import', hook, program], env: { FAULT_FILE: 'fault.json' } }, {}, {}],
  });
  const [sentinel] = topology.sentinels as [SentinelNode];
  const begin = (fault: object) => {
    writeFileSync(join(sentinel.dir, 'fault.json'), JSON.stringify(fault));
    process.kill(sentinel.pid ?? 0, 'SIGUSR2');
  };
  return { topology, sentinel, begin };
}

/** What would be false: nobody but the sentinel itself was away. */
const judgements = (sentinel: SentinelNode) =>
  told(sentinel).filter((line) => /^(\+sdown|\+odown|\+try-failover|\+switch-master)/.test(line));

/** It works again: it judges, is answered, and knows everybody. */
async function works(sentinel: SentinelNode): Promise<void> {
  await until('an answer', async () => (await sentinel.command('PING')) === 'PONG');
  const age = async () => {
    const reply = await sentinel.command('SENTINEL', 'MASTER', 'mymaster');
    const fields = reply as string[];
    return Number(fields[fields.indexOf('last-ok-ping-reply') + 1]);
  };
  await until('a PONG of the master', async () => (await age()) < 1000);
}

test('stopped for one, three and five seconds: nobody is taken for down, and the two longer ones are a TILT', async () => {
  const { topology, sentinel } = await cluster();
  await sentinel.command('SENTINEL', 'DEBUG', 'tilt-period', '8000');
  for (const seconds of [1, 3, 5]) {
    const from = performance.timeOrigin + performance.now();
    sentinel.pause();
    await sleep(seconds * 1000);
    sentinel.resume();
    await works(sentinel);
    if (seconds > 2) await event(sentinel, '+tilt', { from });
    // TILT hides what would be judged wrongly only until it is over; what was missed is judged then.
  }
  await sleep(2 * DOWN_AFTER_MS);
  expect(judgements(sentinel)).toEqual([]);
  expect(await topology.agreedMaster()).toBe(topology.master);
  await event(sentinel, '-tilt', { withinMs: 60_000 });
  await sleep(2 * DOWN_AFTER_MS);
  expect(judgements(sentinel)).toEqual([]);
});

test('a loop that is blocked by our own work for longer than down-after: nobody is taken for down', async () => {
  const { topology, sentinel, begin } = await cluster();
  // Without the help of TILT.
  await sentinel.command('SENTINEL', 'DEBUG', 'tilt-trigger', '60000');
  for (const ms of [1000, 4000]) {
    begin({ what: 'block', ms });
    await sleep(ms);
    await works(sentinel);
    await sleep(DOWN_AFTER_MS);
  }
  expect(judgements(sentinel)).toEqual([]);
  expect(await topology.agreedMaster()).toBe(topology.master);
});

test('a disk that takes six seconds to sync: nobody is taken for down, there is no TILT, and the file is whole', async () => {
  const { topology, sentinel, begin } = await cluster();
  // A busy machine may well keep the process waiting for two seconds.
  await sentinel.command('SENTINEL', 'DEBUG', 'tilt-trigger', '4000');
  begin({ what: 'slow sync', ms: 6000 });
  const before = sentinel.log().length;
  await until('the fault', () => sentinel.log().includes('SIGUSR2'));
  // It may be saving already, and waits for that then.
  await sentinel.command('PING').catch(() => undefined);
  // The command waits for its save; everything else of the process goes on.
  const saved = sentinel.command('SENTINEL', 'SET', 'mymaster', 'failover-timeout', '7777').catch(() => undefined);
  await sleep(12_000);
  await saved;
  await works(sentinel);
  await until('the file', () => readFileSync(sentinel.confFile, 'latin1').includes('failover-timeout mymaster 7777'));
  expect(sentinel.log().slice(before)).not.toContain('+tilt');
  expect(judgements(sentinel)).toEqual([]);
  expect(await topology.agreedMaster()).toBe(topology.master);
});

/** Share of the time in which the process's thread ran or wanted to run: near 1 for a loop that never rests. */
async function unrest(pid: number, ms: number): Promise<number> {
  const busyMs = () => {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ').map(Number);
    return (ran + waited) / 1e6;
  };
  const [before, from] = [busyMs(), performance.now()];
  await sleep(ms);
  return (busyMs() - before) / (performance.now() - from);
}

test('the longest times that can be set: no timer goes off at once, the loop rests, and nothing is judged early', async () => {
  const LONGEST = String(2 ** 31 - 1);
  const topology = await start({
    replicas: 1,
    downAfterMs: 2 ** 31 - 1,
    failoverTimeoutMs: 2 ** 31 - 1,
    sentinels: [{ config: [`timeout ${LONGEST}`, `tcp-keepalive ${LONGEST}`] }],
  });
  const [sentinel] = topology.sentinels as [SentinelNode];
  for (const tunable of ['tilt-period', 'script-max-runtime', 'script-retry-delay', 'election-timeout', 'tilt-trigger'])
    await sentinel.command('SENTINEL', 'DEBUG', tunable, LONGEST);
  const client = connect(sentinel.port, '127.0.0.1', () =>
    client.write(`CLIENT PAUSE ${2 ** 40} WRITE\r\nPUBLISH x y\r\n`),
  );
  client.on('error', () => undefined);
  topology.master.pause();
  // A loop that never rests is near 1, however much else the machine has to do.
  expect(await unrest(sentinel.pid ?? 0, 4000)).toBeLessThan(0.9);
  client.destroy();
  topology.master.resume();
  await sentinel.command('CLIENT', 'UNPAUSE');
  expect(judgements(sentinel)).toEqual([]);
  expect(sentinel.stderr()).toBe('');
  // What is ordered happens all the same.
  await sentinel.command('SENTINEL', 'FAILOVER', 'mymaster');
  await topology.agreedMaster({ not: topology.master });
});
