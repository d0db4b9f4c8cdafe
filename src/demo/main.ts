// `npm run demo`: a whole cluster on this machine, its master struck down, and a client that lives through it.
// The only reader of this program's arguments and environment.
import { Command, InvalidArgumentError } from 'commander';
import type { SentinelKind } from './programs.ts';
import { ensureRedisServer } from './redis-server.ts';
import { createScreen, type Screen } from './screen.ts';
import { playStory } from './story.ts';
import { summaryLines } from './summary.ts';
import { startTopology, type Topology } from './topology.ts';
import { textOf } from './until.ts';

interface DemoOptions {
  downAfter: number;
  hang?: true;
  keep?: true;
  genuine?: true;
}

/** How long the audience looks at a healthy cluster, before and after. */
const CALM_MS = 3_000;

const program = new Command('npm run demo --')
  .description('Start 1 master, 2 replicas and 3 sentinels, write, strike the master down, and watch the failover.')
  .option('--hang', 'stop the master with SIGSTOP instead of killing it')
  .option('--down-after <ms>', 'silence after which a sentinel takes the master for down', toMs, 1_000)
  .option('--keep', 'leave everything running at the end and print the addresses')
  .option('--genuine', 'use redis-sentinel instead of ts-sentinel, for comparison');

function toMs(text: string): number {
  if (!/^[1-9]\d{1,6}$/.test(text)) throw new InvalidArgumentError('wanted: milliseconds, 10 to 9999999.');
  return Number(text);
}

/** Play the demo; `true` when the failover happened and everybody agrees in the end. */
async function demo({ downAfter, hang, keep, genuine }: DemoOptions, screen: Screen): Promise<boolean> {
  await ensureRedisServer(screen);
  const kind: SentinelKind = genuine ? 'genuine' : 'ts';
  const program = genuine ? 'redis-sentinel' : 'ts-sentinel';
  screen.say(`Starting 1 master, 2 replicas and 3 sentinels (${program}) on free ports ...`);
  const topology = await startTopology({ kind, downAfterMs: downAfter });
  let kept = false;
  try {
    const title = `${program}: 1 master, 2 replicas, 3 sentinels, down-after ${downAfter} ms`;
    const outcome = await playStory(topology, screen, {
      title,
      how: hang ? 'hung' : 'killed',
      downAfterMs: downAfter,
      calmMs: CALM_MS,
    });
    screen.say('');
    for (const line of summaryLines(outcome, screen.columns(), screen.paint)) screen.say(line);
    if (keep) {
      kept = true;
      for (const line of farewell(topology, screen)) screen.say(line);
    }
    return outcome.problems.length === 0 && outcome.newMaster !== undefined;
  } finally {
    if (kept) topology.release();
    else await topology.stop();
  }
}

/** How to go on with a cluster that is left running. */
function farewell({ nodes, sentinels, name, dir }: Topology, { paint }: Screen): string[] {
  const all = [...nodes, ...sentinels];
  const port = sentinels[0]?.port;
  return [
    '',
    paint.bold('Left running:'),
    ...all.map((node) => `  ${node.name.padEnd(11)} ${node.address.padEnd(17)} ${node.confFile}`),
    '  Ask a sentinel, for example:',
    `    redis-cli -p ${port} SENTINEL GET-MASTER-ADDR-BY-NAME ${name}`,
    `    redis-cli -p ${port} SENTINEL FAILOVER ${name}`,
    `    redis-cli -p ${port} PSUBSCRIBE '*'`,
    '  End it:',
    `    kill ${all.map(({ pid }) => pid).join(' ')}; rm -r ${dir}`,
  ];
}

const screen = createScreen(process.stdout, process.env);
// Whoever reads us through a pipe may have seen enough; our end is everybody's end.
process.stdout.on('error', () => process.exit(1));
try {
  const good = await demo(program.parse().opts<DemoOptions>(), screen);
  process.exitCode = good ? 0 : 1;
} catch (error) {
  screen.close();
  process.stderr.write(`${textOf(error)}\n`);
  process.exitCode = 1;
}
