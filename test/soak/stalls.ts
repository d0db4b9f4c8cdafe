// npm run soak:stalls: how long the loop of a real sentinel stands still at what takes it longest. Prints a table; no
// verdict, since that depends on the machine.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFakeCluster } from '../../bench/fake-cluster.ts';
import { createSentinelNode, type SentinelNode } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { atExit } from '../../src/demo/processes.ts';
import { sentinelCommand } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { PROBE_PATH } from './probe.ts';
import { delays } from './sample.ts';

const MASTERS = 1000;
/** PING and its two friends, until so many bytes are together. */
const PIPELINE_BYTES = 64 * 1024 * 1024;
const LISTENERS = 5000;
const EVENTS = 100;
const CONF_BYTES = 512 * 1024;

const folder = mkdtempSync(join(tmpdir(), 'ts-sentinel-stalls-'));
const forget = atExit(() => rmSync(folder, { recursive: true, force: true }));
const probe = join(folder, 'probe');

const loaded = new URL('probe.js', import.meta.url).href;

/** A sentinel with the probe and this configuration; nothing runs where its masters should be. */
async function sentinelWith(name: string, lines: readonly string[]): Promise<SentinelNode> {
  const [port = 0] = await freePorts(1);
  const [node = '', main = ''] = sentinelCommand('ts');
  return createSentinelNode({
    name,
    kind: 'ts',
    command: [node, '--import', loaded, main],
    env: { [PROBE_PATH]: probe },
    port,
    dir: join(folder, name.replaceAll(' ', '-')),
    conf: { file: 'sentinel.conf', text: `${[`port ${port}`, 'bind 127.0.0.1', ...lines].join('\n')}\n` },
    startMs: 120_000,
  });
}

const masters = (count: number) =>
  Array.from({ length: count }, (_, number) => `sentinel monitor m${number} 127.0.0.1 ${1 + number} 2`);

async function tell(what: string): Promise<void> {
  const { delayMaxMs, delayP99Ms, turnMaxMs } = await delays(probe);
  const cells = [turnMaxMs, delayMaxMs, delayP99Ms].map((ms) => ms.toFixed(0).padStart(6));
  process.stdout.write(`${what.padEnd(66)} ${cells.join('  ')}\n`);
}

function client(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}

process.stdout.write(`${''.padEnd(66)}  turn   late   late 99 % (ms)\n`);

/** Fake nodes that answer: each master has a replica, and there are two peers. */
const many = await createFakeCluster('ts', MASTERS, 10_000);
process.env[PROBE_PATH] = probe;
process.env.NODE_OPTIONS = `--import ${loaded}`;
await many.sentinel.start();
delete process.env[PROBE_PATH];
delete process.env.NODE_OPTIONS;
await until('all replicas', async () => (await many.order({ kind: 'report' }, 'report')).seen === 2 * MASTERS, {
  withinMs: 120_000,
});
await sleep(3000);
await tell(`start with ${MASTERS} masters, until all is known`);
await sleep(10_000);
await tell(`${MASTERS} masters at rest, 10 s`);
for (let times = 0; times < 20; times++) await many.sentinel.command('SENTINEL', 'MASTERS');
await tell(`SENTINEL MASTERS with ${MASTERS} masters, 20 times`);
const slow = await client(many.sentinel.port);
slow.pause();
for (let times = 0; times < 50; times++) slow.write('SENTINEL MASTERS\r\n');
await sleep(3000);
await tell('the same 50 times to a client that does not read');
slow.destroy();
for (let times = 0; times < 10; times++) await many.sentinel.command('SENTINEL', 'SET', `m${times}`, 'quorum', '2');
await tell(`SENTINEL SET with ${MASTERS} masters, 10 times, each with its save`);
await many.order({ kind: 'kill', groups: MASTERS }, 'done');
await sleep(20_000);
await tell(`all ${MASTERS} masters die, 20 s`);
await many.stop();

const one = await sentinelWith('one master', masters(1));
await one.start();
await sleep(2000);
await delays(probe);
const pipeline = await client(one.port);
let answered = 0;
pipeline.on('data', (data: Buffer) => {
  answered += data.length;
});
const part = 'PING\r\n*3\r\n$8\r\nSENTINEL\r\n$6\r\nmaster\r\n$2\r\nm0\r\n*2\r\n$4\r\nPING\r\n$1\r\nx\r\n';
const whole = Buffer.from(part.repeat(Math.ceil(PIPELINE_BYTES / part.length)));
pipeline.write(whole);
let seen = -1;
await until(
  'the last answer',
  async () => {
    const still = seen === answered && answered > 0;
    seen = answered;
    return still;
  },
  { withinMs: 300_000, everyMs: 1000 },
);
await tell(`a pipeline of ${PIPELINE_BYTES >> 20} MB, read as it is answered`);
pipeline.destroy();

const large = await client(one.port);
const request = `*2\r\n$4\r\nPING\r\n$${PIPELINE_BYTES}\r\n${'x'.repeat(PIPELINE_BYTES)}\r\n`;
let echoed = 0;
large.on('data', (data: Buffer) => {
  echoed += data.length;
});
large.write(request, 'latin1');
await until('the echo', () => echoed >= PIPELINE_BYTES, { withinMs: 120_000 });
await tell(`PING with an argument of ${PIPELINE_BYTES >> 20} MB`);
large.destroy();

let heard = 0;
const listeners: Socket[] = [];
while (listeners.length < LISTENERS)
  listeners.push(...(await Promise.all(Array.from({ length: 100 }, () => client(one.port)))));
for (const socket of listeners) {
  socket.on('data', (data: Buffer) => {
    heard += data.length;
  });
  socket.write('SUBSCRIBE +set\r\n');
}
const subscribed = '*3\r\n$9\r\nsubscribe\r\n$4\r\n+set\r\n:1\r\n'.length;
await until('all to listen', () => heard >= LISTENERS * subscribed);
await tell(`${LISTENERS} come and subscribe`);
const options = Array.from({ length: EVENTS }, () => ['quorum', '2']).flat();
await one.command('SENTINEL', 'SET', 'm0', ...options);
await until('all to have heard', () => heard >= LISTENERS * (subscribed + 50 * EVENTS), { withinMs: 120_000 });
await tell(`${EVENTS} events at once to ${LISTENERS} listeners`);
for (const socket of listeners) socket.destroy();
await one.stop();

const comments = Array.from({ length: CONF_BYTES / 64 }, (_, number) => `# ${String(number).padEnd(61, '.')}`);
const written = await sentinelWith('a large file', [...comments, ...masters(20)]);
await written.start();
await sleep(1000);
await tell(`start with a file of ${readFileSync(written.confFile).length >> 10} KB`);
for (let times = 0; times < 10; times++) await written.command('SENTINEL', 'SET', 'm1', 'quorum', String(2 + times));
await tell('SENTINEL SET with it, 10 times, each with its save');
await written.stop();

rmSync(folder, { recursive: true, force: true });
forget();
