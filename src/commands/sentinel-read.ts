// SENTINEL subcommands that tell: masters, replicas, peers, addresses, and the answer to a peer's question.
import { answerIsMasterDown } from '../core/answer.ts';
import {
  currentAddress,
  majorityOf,
  peersOf,
  replicasOf,
  shownHost,
  usableSentinels,
  votersOf,
} from '../core/query.ts';
import type { ScriptJob } from '../core/script-queue.ts';
import type { Instance, Master, Ms } from '../core/state.ts';
import { isLeap } from '../core/vote.ts';
import { array, bulk, bulks, error, integer, map, nullArray, nullBulk, type Reply, simple } from '../protocol/reply.ts';
import { NO_SUCH_MASTER, NOT_AN_INTEGER, parseInteger, untilNul } from './arguments.ts';
import { instanceReply } from './instance-fields.ts';
import { answer, type Call, type Outcome, tell } from './outcome.ts';
import type { Handler } from './spec.ts';

/** A handler about the master that the third word names, byte for byte; an unknown name is refused. */
export function aboutMaster(run: (call: Call, master: Master) => Outcome): Handler {
  return (call) => {
    const master = call.world.state.masters.get(call.args[2] ?? '');
    return master === undefined ? answer(NO_SUCH_MASTER) : run(call, master);
  };
}

export const myId = ({ world }: Call): Outcome => tell(bulk(world.state.myId));

export const masters = (call: Call): Outcome => tell(listReply(call, call.world.state.masters.values()));

export const master = aboutMaster((call, found) => tell(instanceReply(call.world.state, found, call.clock.now)));

/** Replicas that asked not to be announced stay hidden. */
export const replicas = aboutMaster((call, found) =>
  tell(
    listReply(
      call,
      replicasOf(call.world.state, found).filter(({ announced }) => announced),
    ),
  ),
);

export const sentinels = aboutMaster((call, found) => tell(listReply(call, peersOf(call.world.state, found))));

function listReply({ world, clock }: Call, instances: Iterable<Instance>): Reply {
  return array(Array.from(instances, (instance) => instanceReply(world.state, instance, clock.now)));
}

/** The address clients are to use; an unknown name is no error but a null. Here a name ends at a NUL byte. */
export function masterAddress({ world, args }: Call): Outcome {
  const found = world.state.masters.get(untilNul(args[2] ?? ''));
  if (found === undefined) return tell(nullArray);
  const address = currentAddress(world.state, found);
  return tell(bulks([shownHost(world.state, address), String(address.port)]));
}

/** SENTINEL IS-MASTER-DOWN-BY-ADDR ip port epoch runid: a vote that cannot be saved is not told. */
export function isMasterDownByAddress({ world, clock, args }: Call): Outcome {
  const [, , host = '', portText = '', epochText = '', candidate = ''] = args;
  const port = parseInteger(portText);
  const epoch = parseInteger(epochText);
  // Differs: redis-sentinel 7.0.15 takes -1 for 2^64-1, which burns every epoch there is.
  if (port === undefined || epoch === undefined || epoch < 0n) return answer(NOT_AN_INTEGER);
  const ask = { host: untilNul(host), port: Number(port), epoch, candidate: untilNul(candidate) };
  const leaps = isLeap(world.state, epoch);
  const { down, leader, leaderEpoch, effects } = answerIsMasterDown(world.state, ask, clock.now, world.rand);
  const reply = (vote: string, voteEpoch: bigint) => array([integer(down ? 1 : 0), bulk(vote), integer(voteEpoch)]);
  // Who asks so far beyond us is told what we think of the master, and of no vote.
  const told = leaps ? reply('*', 0n) : reply(leader ?? '*', leaderEpoch);
  return { replies: [told], ifUnsaved: reply('*', 0n), effects };
}

/** SENTINEL CKQUORUM: could a failover be agreed on and authorised now? */
export const checkQuorum = aboutMaster(({ world }, found) => {
  const usable = usableSentinels(world.state, found);
  const problems: string[] = [];
  if (usable < found.options.quorum)
    problems.push('Not enough available Sentinels to reach the specified quorum for this master');
  if (usable < majorityOf(votersOf(found)))
    problems.push('Not enough available Sentinels to reach the majority and authorize a failover');
  if (problems.length === 0)
    return answer(simple(`OK ${usable} usable Sentinels. Quorum and failover authorization can be reached`));
  return answer(error(`NOQUORUM ${usable} usable Sentinels. ${problems.join('. ')}`));
});

/** SENTINEL INFO-CACHE name …: the INFO texts we decide by, with their age in milliseconds. */
export function infoCache({ world, clock, args }: Call): Outcome {
  const { state } = world;
  // Names end at a NUL byte here, too (7.0.15 as well).
  const names = new Set(args.slice(2).map(untilNul));
  const items: Reply[] = [];
  for (const [name, found] of state.masters) {
    if (!names.has(name)) continue;
    const nodes = [found, ...replicasOf(state, found)].map((node) =>
      array([
        integer(node.infoAt === undefined ? 0 : clock.now - node.infoAt),
        node.infoText === undefined ? nullBulk : bulk(node.infoText),
      ]),
    );
    items.push(bulk(name), array(nodes));
  }
  return answer(array(items));
}

/** SENTINEL PENDING-SCRIPTS: the scripts that run or wait, oldest first; numbers are texts, ages and delays in ms. */
export function pendingScripts({ world, clock }: Call): Outcome {
  return answer(array(world.state.scripts.jobs.map((job) => scriptReply(job, clock.now))));
}

function scriptReply({ argv, status, runs }: ScriptJob, now: Ms): Reply {
  const running = status.kind === 'running';
  const delay = status.kind === 'scheduled' ? Math.max(0, status.at - now) : 0;
  return map([
    ['argv', bulks(argv)],
    ['flags', bulk(running ? 'running' : 'scheduled')],
    ['pid', bulk(running ? String(status.pid) : '0')],
    running ? ['run-time', bulk(String(now - status.since))] : ['run-delay', bulk(String(delay))],
    ['retry-num', bulk(String(runs))],
  ]);
}
