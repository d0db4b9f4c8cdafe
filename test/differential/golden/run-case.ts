// One case of golden-commands.json, step by step. A step that does not go as recorded throws, saying where and how.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Connection, encodeRequest, openConnection } from './connection.ts';
import { difference, type Expected, matchesText, show } from './replies.ts';
import type { NodeName, SetupName, World } from './setups.ts';

export interface Step {
  readonly conn?: string;
  readonly send?: readonly string[];
  readonly raw?: string;
  readonly expect?: Expected | readonly Expected[];
  readonly await?: Expected;
  readonly poll?: readonly string[];
  readonly within?: number;
  readonly wait?: number;
  readonly conf?: { readonly has?: readonly string[]; readonly lacks?: readonly string[] };
  readonly do?: string;
}

export interface GoldenCase extends Omit<Step, 'conf' | 'conn'> {
  readonly id: string;
  readonly setup: SetupName;
  readonly conf?: readonly string[];
  /** Both words mean a world of its own here. */
  readonly isolated?: true | 'all';
  readonly tier?: 'core' | 'parity';
  readonly steps?: readonly Step[];
}

/** Time limits of the notation, but for reads: a name server that does not answer is given 5 s before there is a reply. */
const READ_MS = 10_000;
const AWAIT_MS = 10_000;
const QUIET_MS = 300;

/** Run a case; its connections are closed whatever happens. */
export async function runCase(golden: GoldenCase, world: World): Promise<void> {
  const connections = new Map<string, Connection>();
  const connectionOf = async (name: string): Promise<Connection> => {
    const known = connections.get(name);
    if (known !== undefined) return known;
    const opened = await openConnection(world.target.port, name.startsWith('far') ? '127.0.0.2' : undefined);
    connections.set(name, opened);
    return opened;
  };
  const steps = golden.steps ?? [withoutConf(golden)];
  try {
    for (const [index, step] of steps.entries()) {
      const wrong = await runStep(step, world, connectionOf, connections);
      if (wrong !== undefined) throw new Error(`${golden.id}, step ${index + 1} ${nameOf(step)}: ${wrong}`);
    }
  } finally {
    for (const connection of connections.values()) connection.close();
  }
}

const withoutConf = ({ conf: _, ...rest }: GoldenCase): Step => rest;

function nameOf(step: Step): string {
  return JSON.stringify(
    step.send ?? step.raw ?? step.poll ?? step.await ?? step.conf ?? step.do ?? step.wait ?? '',
  ).slice(0, 120);
}

/** What went wrong; `undefined`: nothing. */
async function runStep(
  step: Step,
  world: World,
  connectionOf: (name: string) => Promise<Connection>,
  connections: Map<string, Connection>,
): Promise<string | undefined> {
  if (step.wait !== undefined) await sleep(step.wait);
  if (step.do !== undefined) return doAction(step.do, world, connectionOf, connections);
  if (step.conf !== undefined) return checkFile(step.conf, step.within ?? 0, world);
  if (step.wait !== undefined) return undefined;
  const connection = await connectionOf(step.conn ?? 'c');
  if (step.poll !== undefined) return poll(connection, step, world);
  if (step.await !== undefined) return awaitReply(connection, step.await, step.within ?? AWAIT_MS, world);
  if (step.send !== undefined) connection.send(encodeRequest(step.send.map(world.fill)));
  if (step.raw !== undefined) connection.send(Buffer.from(world.fill(step.raw), 'latin1'));
  const expected = step.expect === undefined ? [] : Array.isArray(step.expect) ? step.expect : [step.expect];
  for (const each of expected as readonly Expected[]) {
    const wrong = await expectNext(connection, each, step.within ?? READ_MS, world);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

async function expectNext(connection: Connection, expected: Expected, withinMs: number, world: World) {
  const quiet = typeof expected === 'object' && expected.none === true;
  const closes = typeof expected === 'object' && expected.close === true;
  const reply = await connection.read(quiet ? QUIET_MS : withinMs);
  if (quiet) return reply === 'quiet' ? undefined : `no reply expected, got ${showAny(reply)}`;
  if (closes) return reply === 'closed' ? undefined : `end of the connection expected, got ${showAny(reply)}`;
  if (typeof reply === 'string') return `${reply}, expected ${JSON.stringify(expected)}`;
  return difference(expected, reply, world.fill);
}

const showAny = (reply: Parameters<typeof show>[0] | string) => (typeof reply === 'string' ? reply : show(reply));

async function awaitReply(connection: Connection, expected: Expected, withinMs: number, world: World) {
  const deadline = performance.now() + withinMs;
  const passedOver: string[] = [];
  for (;;) {
    const reply = await connection.read(deadline - performance.now());
    if (typeof reply === 'string') return `${reply} after: ${passedOver.join(' ')}`;
    if (difference(expected, reply, world.fill) === undefined) return undefined;
    passedOver.push(show(reply));
  }
}

async function poll(connection: Connection, step: Step, world: World): Promise<string | undefined> {
  const deadline = performance.now() + (step.within ?? AWAIT_MS);
  for (;;) {
    connection.send(encodeRequest((step.poll ?? []).map(world.fill)));
    const wrong = await expectNext(connection, step.expect as Expected, READ_MS, world);
    if (wrong === undefined) return undefined;
    if (performance.now() > deadline) return wrong;
    await sleep(50);
  }
}

/** What was promised to be in the file by now is looked for once; with `within`, until it is there. */
async function checkFile(conf: NonNullable<Step['conf']>, withinMs: number, world: World): Promise<string | undefined> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const wrong = lookAtFile(conf, world);
    if (wrong === undefined || performance.now() >= deadline) return wrong;
    await sleep(50);
  }
}

function lookAtFile({ has = [], lacks = [] }: NonNullable<Step['conf']>, world: World): string | undefined {
  const lines = readFileSync(world.target.confFile, 'latin1').split('\n');
  const isThere = (pattern: string) => lines.some((line) => matchesText(pattern, line, world.fill));
  const missing = has.find((pattern) => !isThere(pattern));
  if (missing !== undefined) return `the file lacks ${missing}:\n${lines.join('\n')}`;
  const unwanted = lacks.find(isThere);
  return unwanted === undefined ? undefined : `the file has ${unwanted}:\n${lines.join('\n')}`;
}

async function doAction(
  action: string,
  world: World,
  connectionOf: (name: string) => Promise<Connection>,
  connections: Map<string, Connection>,
): Promise<undefined> {
  const [verb = '', name = '', ...rest] = world.fill(action).split(':');
  const { target, peers, data } = world;
  switch (verb) {
    case 'start':
      return void (await data.nodes[name as NodeName].start());
    case 'stop': {
      const peer = name === 's2' ? peers[0] : name === 's3' ? peers[1] : undefined;
      await (peer?.stop() ?? data.nodes[name as NodeName].kill());
      return undefined;
    }
    case 'pause':
      return void target.child.signal('SIGSTOP');
    case 'resume':
      return void target.child.signal('SIGCONT');
    case 'redis':
      return void (await data.nodes[name as NodeName].command(...rest));
    case 'script':
      return writeScript(join(target.dir, name), rest[0] ?? '0', rest[1] ?? '0');
    case 'rmdir':
      return void rmSync(target.dir, { recursive: true });
    case 'close':
      connections.get(name)?.close();
      return void connections.delete(name);
    case 'open':
      return void (await connectionOf(name));
    default:
      throw new Error(`no such action: ${action}`);
  }
}

function writeScript(file: string, seconds: string, exitCode: string): undefined {
  writeFileSync(file, `#!/bin/sh\nsleep ${seconds}\nexit ${exitCode}\n`);
  chmodSync(file, 0o755);
}
