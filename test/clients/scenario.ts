// What each client must live through: find the master, write, read from a replica, hear of switches; have its master
// killed, and later another one replaced by SENTINEL FAILOVER, and go on without being restarted.
import type { DataNode } from '../../src/demo/nodes.ts';
import type { Topology } from '../../src/demo/topology.ts';
import { nowMs, textOf, until } from '../../src/demo/until.ts';
import type { ClientSpec } from './catalogue.ts';
import { distinctErrors, isSteady, longestPause, type Outage, unacceptable } from './judge.ts';
import { type Line, type Orders, type Program, startProgram } from './program.ts';

/** A client with the command that starts its program. */
export interface Contestant {
  readonly client: ClientSpec;
  readonly command: readonly string[];
}

export interface Verdict {
  /** Why it failed; `undefined` when all is well. */
  failure?: string;
  /** The longest time without a write after the kill and after SENTINEL FAILOVER. */
  pausesMs: number[];
  /** The errors that its application saw, with numbers and addresses left out. */
  errors: string[];
}

/** Generous, since a loaded machine is slow and a deadline costs nothing when met. */
const DEADLINE_MS = 60_000;
/** So many writes in a row show that a client is well again. */
const STEADY_WRITES = 25;

/** Run some clients at once through the story; each gets its own verdict. The cluster is whole again afterwards. */
export async function runTogether(
  topology: Topology,
  contestants: readonly Contestant[],
  orders: Omit<Orders, 'KEY' | 'SENTINELS' | 'MASTER_NAME'>,
): Promise<Map<string, Verdict>> {
  const SENTINELS = topology.sentinels.map(({ address }) => address).join(',');
  const trials = contestants.map(({ client, command }) => {
    const KEY = client.name.replaceAll(' ', '-');
    return createTrial(client, startProgram(command, { ...orders, SENTINELS, MASTER_NAME: topology.name, KEY }), KEY);
  });
  const all = (what: (trial: Trial) => Promise<void>) => Promise.all(trials.map((trial) => trial.attempt(what)));
  const outages: Outage[] = [];
  try {
    await all((trial) => trial.begun());
    const killed = await topology.agreedMaster();
    const next = await through(outages, all, async (from) => {
      await killed.kill();
      const promoted = await topology.agreedMaster({ not: killed, withinMs: DEADLINE_MS });
      await all((trial) => trial.moved(promoted, from));
      await killed.start();
      await topology.settled();
      return promoted;
    });
    await through(outages, all, async (from) => {
      await failover(topology);
      const promoted = await topology.agreedMaster({ not: next, withinMs: DEADLINE_MS });
      await all((trial) => trial.moved(promoted, from));
      await topology.settled();
    });
    await all((trial) => trial.stopped(outages));
  } finally {
    await Promise.all(trials.map(({ program }) => program.stop()));
  }
  return new Map(trials.map(({ client, verdict }) => [client.name, verdict()]));
}

/** From the first blow until everybody is well again is one outage. */
async function through<T>(
  outages: Outage[],
  all: (what: (trial: Trial) => Promise<void>) => Promise<unknown>,
  story: (from: number) => Promise<T>,
): Promise<T> {
  const from = nowMs();
  const result = await story(from);
  const whole = nowMs();
  await all((trial) => trial.steady(whole));
  outages.push({ from, to: nowMs() });
  return result;
}

/** A sentinel that has just seen a failover may refuse the next one for a moment. */
async function failover({ name, sentinels: [first], report }: Topology): Promise<void> {
  const ask = async () => (await first?.command('SENTINEL', 'FAILOVER', name)) === 'OK';
  await until('SENTINEL FAILOVER to be accepted', ask, { everyMs: 200, describe: report });
}

interface Trial {
  readonly client: ClientSpec;
  readonly program: Program;
  /** Do something with it unless it has failed; what is thrown is its failure. */
  attempt(what: (trial: Trial) => Promise<void>): Promise<void>;
  /** It writes, reads from a replica and listens. */
  begun(): Promise<void>;
  /** It does all that with the new master, and has heard of it since `from`. */
  moved(master: DataNode, from: number): Promise<void>;
  /** It writes without errors since `from`. */
  steady(from: number): Promise<void>;
  /** It ends when told to, and reported no error that must not be. */
  stopped(outages: readonly Outage[]): Promise<void>;
  verdict(): Verdict;
}

function createTrial(client: ClientSpec, program: Program, key: string): Trial {
  let failure: string | undefined;
  const pausesMs: number[] = [];
  const { lines } = program;
  const wait = async (what: string, check: () => Promise<unknown> | unknown) => {
    const look = async () => program.exit !== undefined || ((await check()) ? true : undefined);
    await until(`${client.name}: ${what}`, look, { withinMs: DEADLINE_MS, everyMs: 20, describe: program.report });
    if (program.exit !== undefined) throw new Error(`ended by itself: ${program.exit}\n${program.report()}`);
  };
  /** A write after `from` that arrived at `master` (if told), and a read of it, or of a later one, from such a node. */
  const works = async (from: number, isReader: (role: string) => boolean, master?: DataNode) => {
    const isWrite = (line: Line) => line.event === 'write' && line.at > from;
    await wait('writes', () => lines.some(isWrite));
    const first = lines.find(isWrite);
    const n = first?.event === 'write' ? first.n : 0;
    if (master !== undefined)
      await wait(`the write ${n} is on ${master.name}`, async () => Number(await master.command('GET', key)) >= n);
    if (client.reads)
      await wait(`reads ${n} or later from the right node`, () =>
        lines.some((line) => line.event === 'read' && isReader(line.role) && line.n >= n),
      );
  };
  const trial: Trial = {
    client,
    program,
    async attempt(what) {
      if (failure !== undefined) return;
      await what(trial).catch((error: unknown) => {
        failure = textOf(error);
      });
    },
    async begun() {
      await works(0, (role) => role === 'slave');
      if (client.listens) await wait('listens', () => lines.some(({ event }) => event === 'listening'));
      await trial.steady(0);
    },
    async moved(master, from) {
      // Most libraries keep the connection to a replica that became the master meanwhile; redis-sentinel changes nothing
      // about that.
      await works(nowMs(), () => true, master);
      pausesMs.push(Math.round(longestPause(lines, from, nowMs())));
      const address = ` 127.0.0.1 ${master.port}`;
      if (client.listens)
        await wait(`hears of the switch to${address}`, () =>
          lines.some((line) => line.event === 'switched' && line.at > from && line.payload.endsWith(address)),
        );
    },
    steady: (from) => wait('is steady', () => isSteady(lines, from, STEADY_WRITES)),
    async stopped(outages) {
      await program.stop();
      if (program.exit !== 'exit code 0') throw new Error(`did not end as told: ${program.exit}\n${program.report()}`);
      const wrong = unacceptable(lines, outages);
      if (wrong !== undefined) throw new Error(wrong);
    },
    verdict: () => ({ ...(failure === undefined ? {} : { failure }), pausesMs, errors: distinctErrors(lines) }),
  };
  return trial;
}
