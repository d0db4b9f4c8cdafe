// Scripts as an operator has them: real executables, run by our server and, where it is installed, by the genuine one.
// The same steps must lead to the same calls.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createSentinelNode, parseFields, type SentinelNode } from '../../src/demo/nodes.ts';
import { freePorts } from '../../src/demo/ports.ts';
import { type SentinelKind, sentinelCommand } from '../../src/demo/programs.ts';
import { until } from '../../src/demo/until.ts';
import { event, genuineIsInstalled, start } from './support.ts';

/** A sentinel that watches `m` on a port where nothing listens, and a folder for what its scripts leave behind. */
interface Stand {
  readonly node: SentinelNode;
  readonly deadPort: number;
  /** The folder it runs in. */
  readonly dir: string;
  /** Write an executable that notes each call, then does `rest`; returns its path. */
  script(name: string, rest?: string): string;
  /** The arguments of each call so far, in any order; ports and ids are hidden. */
  calls(): string[];
}

const stands: Stand[] = [];
afterEach(async () => {
  for (const { node, dir } of stands.splice(0)) {
    await node.kill();
    rmSync(dir, { recursive: true, force: true });
  }
});

async function stand(kind: SentinelKind, lines: (script: Stand['script']) => readonly string[] = () => []) {
  const dir = mkdtempSync(join(tmpdir(), 'ts-sentinel-scripts-'));
  const notes = join(dir, 'calls');
  mkdirSync(notes);
  const [port = 0, deadPort = 0] = await freePorts(2);
  const script = (name: string, rest = '') => {
    const path = join(dir, name);
    writeFileSync(path, `#!/bin/sh\nprintf '%s|' "$@" > "$NOTES/.$$" && mv "$NOTES/.$$" "$NOTES/$$"\n${rest}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const text = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir "${dir}"`,
    'sentinel deny-scripts-reconfig no',
    `sentinel monitor m 127.0.0.1 ${deadPort} 2`,
    ...lines(script),
  ].join('\n');
  const conf = { file: 'sentinel.conf', text };
  const env = { NOTES: notes };
  const node = createSentinelNode({ name: kind, kind, command: sentinelCommand(kind), port, dir, conf, env });
  const hidden = (call: string) =>
    call
      .replaceAll(dir, 'DIR')
      .replaceAll(String(deadPort), 'PORT')
      .replace(/[0-9a-f]{40}/g, 'ID');
  const calls = () =>
    readdirSync(notes)
      .filter((file) => !file.startsWith('.'))
      .map((file) => hidden(readFileSync(join(notes, file), 'utf8')));
  const made: Stand = { node, deadPort, dir, script, calls };
  stands.push(made);
  await node.start();
  return made;
}

async function sentinelInfo(node: SentinelNode): Promise<{ running: number; queued: number }> {
  const info = await node.info('sentinel');
  return { running: Number(info.sentinel_running_scripts), queued: Number(info.sentinel_scripts_queue_length) };
}

const untilIdle = (node: SentinelNode) =>
  until('the queue to be empty', async () => (await sentinelInfo(node)).queued === 0);

async function pending(node: SentinelNode): Promise<Record<string, string>[]> {
  const reply = await node.command('SENTINEL', 'PENDING-SCRIPTS');
  return Array.isArray(reply) ? reply.map(parseFields) : [];
}

const kinds: SentinelKind[] = ['ts', 'genuine'];

describe.each(kinds)('scripts run by %s', (kind) => {
  const it = test.skipIf(kind === 'genuine' && !genuineIsInstalled);

  it('every warning about a master, its replicas and peers becomes one call with event and text', async () => {
    const { node, calls, script } = await stand(kind, (make) => [
      `sentinel notification-script m ${make('n.sh')}`,
      'sentinel down-after-milliseconds m 100',
      'sentinel known-replica m 127.0.0.1 1',
    ]);
    await until('master and replica to be down', async () => {
      const [m, r] = [await node.command('SENTINEL', 'MASTER', 'm'), await node.command('SENTINEL', 'REPLICAS', 'm')];
      return String(m).includes('s_down') && String(r).includes('s_down');
    });
    await node.command('SENTINEL', 'SET', 'm', 'auth-pass', 'hush', 'quorum', '1');
    await event(node, '-failover-abort-no-good-slave');
    await node.command('SENTINEL', 'SET', 'm', 'notification-script', script('other.sh'));
    await node.command('SENTINEL', 'REMOVE', 'm');
    await untilIdle(node);
    expect(calls().sort()).toEqual(
      [
        '+monitor|master m 127.0.0.1 PORT quorum 2|',
        '+sdown|master m 127.0.0.1 PORT|',
        '+sdown|slave 127.0.0.1:1 127.0.0.1 1 @ m 127.0.0.1 PORT|',
        '+set|master m 127.0.0.1 PORT auth-pass ******|',
        '+set|master m 127.0.0.1 PORT quorum 1|',
        '+odown|master m 127.0.0.1 PORT #quorum 1/1|',
        '+new-epoch|1|',
        '+try-failover|master m 127.0.0.1 PORT|',
        '+vote-for-leader|ID 1|',
        '+elected-leader|master m 127.0.0.1 PORT|',
        '+failover-state-select-slave|master m 127.0.0.1 PORT|',
        '-failover-abort-no-good-slave|master m 127.0.0.1 PORT|',
        '+set|master m 127.0.0.1 PORT notification-script DIR/other.sh|',
        '-monitor|master m 127.0.0.1 PORT|',
      ].sort(),
    );
  });

  it('ending with 0 is enough, 1 and signals ask for another run, anything else is an error', async () => {
    const { node, calls, script } = await stand(kind);
    await node.command('SENTINEL', 'DEBUG', 'script-retry-delay', '1');
    const use = (path: string) => node.command('SENTINEL', 'SET', 'm', 'notification-script', path);
    await use(script('twice.sh', '[ -e "$NOTES/../was" ] || { touch "$NOTES/../was"; exit 1; }'));
    await untilIdle(node);
    expect(calls()).toHaveLength(2);
    const two = script('two.sh', 'exit 2');
    await use(two);
    expect((await event(node, '-script-error')).payload).toBe(`${two} 0 2`);
    expect(calls()).toHaveLength(3);
    const term = script('term.sh', 'kill -TERM $$');
    await use(term);
    await event(node, '-script-error', { text: `${term} 15 0` });
    expect(calls()).toHaveLength(13);
    expect(await pending(node)).toEqual([]);
    const gone = script('gone.sh');
    await use(gone);
    await untilIdle(node);
    rmSync(gone);
    await node.command('SENTINEL', 'SET', 'm', 'quorum', '3');
    await event(node, '-script-error', { text: `${gone} 0 2` });
    await use('/tmp');
    await event(node, '-script-error', { text: '/tmp 0 2' });
    expect(node.events().filter(({ channel }) => channel === '-script-error')).toHaveLength(4);
  });

  it('what runs too long is killed and tried again later', async () => {
    const { node, script, dir } = await stand(kind);
    // Time enough to be seen while it runs.
    await node.command('SENTINEL', 'DEBUG', 'script-max-runtime', '3000');
    const path = script('sleeps.sh', 'echo $$ > "$NOTES/../pid"; exec sleep 300');
    await node.command('SENTINEL', 'SET', 'm', 'notification-script', path);
    const running = await until('the script to run', async () => (await pending(node)).find(({ pid }) => pid !== '0'));
    expect(running).toEqual({
      argv: `${path},+set,master m 127.0.0.1 ${(await deadPortOf(node)) ?? ''} notification-script ${path}`,
      flags: 'running',
      pid: expect.stringMatching(/^\d+$/),
      'run-time': expect.stringMatching(/^\d+$/),
      'retry-num': '1',
    });
    const { payload } = await event(node, '-script-timeout');
    expect(payload).toBe(`${path} ${running.pid}`);
    expect(readFileSync(join(dir, 'pid'), 'utf8').trim()).toBe(running.pid);
    await until('the process to be gone', () => !existsSync(`/proc/${running.pid}`));
    const later = await until('it to be scheduled', async () =>
      (await pending(node)).find(({ flags }) => flags === 'scheduled'),
    );
    expect(later).toMatchObject({ pid: '0', 'retry-num': '1' });
    expect(Number(later['run-delay'])).toBeGreaterThan(20_000);
    expect(await sentinelInfo(node)).toEqual({ running: 0, queued: 1 });
  });

  it('16 run at a time, 256 wait or run, and then the oldest that waits is dropped', async () => {
    const { node, calls, script, dir } = await stand(kind);
    const path = script('waits.sh', 'until [ -e "$NOTES/../go" ]; do sleep 0.1; done');
    await node.command('SENTINEL', 'SET', 'm', 'notification-script', path);
    const sets = Array.from({ length: 20 }, (_, index) => index + 100);
    for (const quorum of sets) await node.command('SENTINEL', 'SET', 'm', 'quorum', String(quorum));
    await until('16 to run', async () => (await sentinelInfo(node)).running === 16);
    const more = Array.from({ length: 300 }, (_, index) => index + 1000);
    await node.command('SENTINEL', 'SET', 'm', ...more.flatMap((quorum) => ['quorum', String(quorum)]));
    expect(await sentinelInfo(node)).toEqual({ running: 16, queued: 256 });
    expect((await pending(node)).filter(({ flags }) => flags === 'running')).toHaveLength(16);
    writeFileSync(join(dir, 'go'), '');
    await untilIdle(node);
    const quorums = calls().flatMap((call) => / quorum (\d+)\|/.exec(call)?.[1] ?? []);
    const expected = [...sets.slice(0, 15), ...more.slice(60)].map(String);
    expect(quorums.sort((a, b) => Number(a) - Number(b))).toEqual(expected);
  });

  it('it has our folder, environment and standard streams, no descriptor of ours, and outlives us', async () => {
    const { node, script, dir } = await stand(kind);
    const look = [
      'exec 9> "$NOTES/../seen"',
      'pwd >&9; echo "$0" >&9; cat /proc/$$/stat >&9; cat /proc/$PPID/stat >&9',
      'for fd in /proc/$$/fd/*; do readlink $fd >&9; done',
      'echo said by a script',
      'until [ -e "$NOTES/../go" ]; do sleep 0.1; done; touch "$NOTES/../done"',
    ];
    script('plain.sh', look.join('\n'));
    await node.command('SENTINEL', 'SET', 'm', 'notification-script', 'plain.sh');
    await until('the script to have spoken', () => node.log().includes('said by a script'));
    const [folder, name = '', child = '', parent = '', ...descriptors] = readFileSync(join(dir, 'seen'), 'utf8')
      .trimEnd()
      .split('\n');
    expect({ folder, name: name.replace('./', '') }).toEqual({ folder: dir, name: 'plain.sh' });
    expect(familyOf(child)).toEqual({ parent: String(node.pid), group: familyOf(parent).group });
    const ours = new Set(readdirSync(`/proc/${node.pid}/fd`));
    expect(ours.size).toBeGreaterThan(6);
    const foreign = descriptors.filter((line) => /^(socket:|anon_inode:)/.test(line) || line.endsWith('sentinel.conf'));
    expect(foreign).toEqual([]);
    await node.stop();
    expect(existsSync(join(dir, 'done'))).toBe(false);
    writeFileSync(join(dir, 'go'), '');
    await until('the script to finish', () => existsSync(join(dir, 'done')));
  });
});

/** What /proc/<pid>/stat says behind the name, which may hold blanks. */
function familyOf(stat: string): { parent: string | undefined; group: string | undefined } {
  const [, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { parent, group };
}

async function deadPortOf(node: SentinelNode): Promise<string | undefined> {
  return parseFields(await node.command('SENTINEL', 'MASTER', 'm')).port;
}

test('a failover calls the reconfiguration script of everybody, leader and observers, once', async () => {
  const kindsHere: SentinelKind[] = genuineIsInstalled ? ['ts', 'ts', 'genuine'] : ['ts', 'ts', 'ts'];
  const config = ['sentinel deny-scripts-reconfig no'];
  // At 1000 ms the genuine one sometimes takes the new master for dead while it connects to it, and all call once more.
  const topology = await start({ sentinels: kindsHere.map((kind) => ({ kind, config })), downAfterMs: 2000 });
  const { master, sentinels, dir } = topology;
  const notes = join(dir, 'reconfigured');
  const path = join(dir, 'reconfig.sh');
  writeFileSync(path, `#!/bin/sh\nprintf '%s %s\\n' "$PPID" "$*" >> ${notes}\n`);
  chmodSync(path, 0o755);
  for (const each of sentinels) await each.command('SENTINEL', 'SET', 'mymaster', 'client-reconfig-script', path);
  await master.kill();
  const next = await topology.agreedMaster({ not: master });
  const lines = await until('all three to have called', () => {
    const text = existsSync(notes) ? readFileSync(notes, 'utf8').trimEnd().split('\n') : [];
    return text.length >= 3 ? text : undefined;
  });
  const leader = sentinels.find((each) => each.events().some(({ channel }) => channel === '+promoted-slave'));
  const move = `start 127.0.0.1 ${master.port} 127.0.0.1 ${next.port}`;
  expect(lines.sort()).toEqual(
    sentinels.map(({ pid }) => `${pid} mymaster ${pid === leader?.pid ? 'leader' : 'observer'} ${move}`).sort(),
  );
});
