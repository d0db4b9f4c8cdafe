// Hosts on one wire: each is a network namespace with one interface, on a bridge that has no way out. What a host must
// not reach gets, in its table of neighbours, a hardware address that nobody has: packets leave, and arrive nowhere.
import { addressOf, HOSTS, type Host } from './plan.ts';
import { tool, tryTool } from './tools.ts';

/** `s1>s2`: nothing of what s1 sends to s2 arrives. */
export type Way = `${Host}>${Host}`;

export interface Network {
  /** From now on exactly these ways are closed. */
  cut(ways: ReadonlySet<Way>): Promise<void>;
  isCut(way: Way): boolean;
  /** What a host sends is slowed down and partly lost. */
  slow(host: Host, kbit: number): Promise<void>;
  /** At full speed again. */
  unslow(host: Host): Promise<void>;
  /** `netem` delays and loses at random; `tbf`, where the kernel has no netem, is a narrow pipe with a short queue. */
  readonly shaper: 'netem' | 'tbf';
}

const OBSERVER = '10.0.0.254';
const OBSERVER_MAC = '02:00:00:00:00:fe';
const NOBODY = '02:00:00:00:ff:ff';
const macOf = (host: Host) => `02:00:00:00:00:${(1 + HOSTS.indexOf(host)).toString(16).padStart(2, '0')}`;

/** The words before a command that is to run on a host. They end as that command: same process. */
export const on = (host: Host): readonly string[] => ['nsenter', `--net=/run/netns/${host}`];

/** Make all hosts, and the observer's own end of the wire. Needs a network and a mount namespace of one's own. */
export async function createNetwork(): Promise<Network> {
  await tool(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
  await tool(['mkdir', '/run/netns']);
  await ip([
    'link set lo up',
    `link add br0 address ${OBSERVER_MAC} type bridge stp_state 0 forward_delay 0`,
    `addr add ${OBSERVER}/24 dev br0`,
    'link set br0 up',
    ...HOSTS.flatMap((host) => [
      `netns add ${host}`,
      `link add to-${host} type veth peer name eth0 address ${macOf(host)} netns ${host}`,
      `link set to-${host} master br0 up`,
      neighbour(host, macOf(host), 'br0'),
    ]),
  ]);
  for (const host of HOSTS)
    await ip(
      [
        'link set lo up',
        `addr add ${addressOf(host)}/24 dev eth0`,
        'link set eth0 up',
        `neigh replace ${OBSERVER} lladdr ${OBSERVER_MAC} nud permanent dev eth0`,
        ...HOSTS.filter((other) => other !== host).map((other) => neighbour(other, macOf(other), 'eth0')),
      ],
      host,
    );
  const shaper = (await hasNetem()) ? 'netem' : 'tbf';
  let now: ReadonlySet<Way> = new Set();
  let changing = Promise.resolve();
  return {
    shaper,
    cut(ways) {
      // Two faults may change the network at the same moment.
      changing = changing.then(async () => {
        await Promise.all(HOSTS.map((host) => change(host, now, ways)));
        now = ways;
      });
      return changing;
    },
    isCut: (way) => now.has(way),
    async slow(host, kbit) {
      const how = {
        netem: 'netem delay 60ms 30ms loss 3%',
        tbf: `tbf rate ${kbit}kbit burst 4000 latency 300ms`,
      };
      await tool(['tc', '-n', host, 'qdisc', 'replace', 'dev', 'eth0', 'root', ...how[shaper].split(' ')]);
    },
    unslow: async (host) => void (await tool(['tc', '-n', host, 'qdisc', 'del', 'dev', 'eth0', 'root'])),
  };
}

async function change(host: Host, before: ReadonlySet<Way>, after: ReadonlySet<Way>): Promise<void> {
  const lines: string[] = [];
  for (const other of HOSTS) {
    const way: Way = `${host}>${other}`;
    if (before.has(way) !== after.has(way))
      lines.push(neighbour(other, after.has(way) ? NOBODY : macOf(other), 'eth0'));
  }
  if (lines.length > 0) await ip(lines, host);
}

function neighbour(host: Host, mac: string, device: string): string {
  return `neigh replace ${addressOf(host)} lladdr ${mac} nud permanent dev ${device}`;
}

async function ip(lines: readonly string[], host?: Host): Promise<void> {
  await tool(['ip', ...(host === undefined ? [] : ['-n', host]), '-batch', '-'], `${lines.join('\n')}\n`);
}

async function hasNetem(): Promise<boolean> {
  const tried = await tryTool(['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'delay', '1ms']);
  if (tried.code === 0) await tool(['tc', 'qdisc', 'del', 'dev', 'lo', 'root']);
  return tried.code === 0;
}
