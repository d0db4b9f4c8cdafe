// One sentinel, measured, with many masters of fake-nodes.ts to watch.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSentinelNode, type SentinelNode } from '../src/demo/nodes.ts';
import { freePorts } from '../src/demo/ports.ts';
import { type SentinelKind, sentinelCommand } from '../src/demo/programs.ts';
import type { Answer, Order } from './fake-nodes.ts';

export interface FakeCluster {
  readonly sentinel: SentinelNode;
  order<Kind extends Answer['kind']>(order: Order, answer: Kind): Promise<Extract<Answer, { kind: Kind }>>;
  stop(): Promise<void>;
}

/** Prepare `groups` masters with one replica each, two peers, and a sentinel that is not started yet. */
export async function createFakeCluster(kind: SentinelKind, groups: number, downAfterMs: number): Promise<FakeCluster> {
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-bench-'));
  const nodes = fork(join(import.meta.dirname, 'fake-nodes.js'), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const order: FakeCluster['order'] = (wanted, answer) => ask(nodes, wanted, answer);
  const { masters } = await order({ kind: 'start', groups }, 'started');
  const [port = 0] = await freePorts(1);
  const lines = masters.flatMap((master, number) => [
    `sentinel monitor m${number} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds m${number} ${downAfterMs}`,
  ]);
  const text = [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, ...lines, ''].join('\n');
  const sentinel = createSentinelNode({
    name: 'sentinel',
    kind,
    command: sentinelCommand(kind),
    port,
    dir: join(dir, 'sentinel'),
    conf: { file: 'sentinel.conf', text },
    // With a thousand masters the genuine server answers nobody for a while.
    startMs: 200_000,
  });
  return {
    sentinel,
    order,
    async stop() {
      await sentinel.kill();
      nodes.kill('SIGKILL');
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

function ask<Kind extends Answer['kind']>(nodes: ChildProcess, order: Order, kind: Kind) {
  return new Promise<Extract<Answer, { kind: Kind }>>((resolve, reject) => {
    const onExit = () => reject(new Error('the fake nodes are gone'));
    nodes.once('message', (answer: Answer) => {
      nodes.off('exit', onExit);
      if (answer.kind === kind) resolve(answer as Extract<Answer, { kind: Kind }>);
      else reject(new Error(`asked for ${kind}, got ${answer.kind}`));
    });
    nodes.once('exit', onExit);
    nodes.send(order);
  });
}
