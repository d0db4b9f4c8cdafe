// Votes, leaders and majorities, as the logs of all sentinels tell them together.
import { type Line, type LineOf, only } from './history.ts';
import { type Ms, SENTINEL_HOSTS, type SentinelHost } from './plan.ts';
import type { Finding } from './violation.ts';

/** A try of one sentinel to fail over. */
export interface Attempt {
  readonly by: SentinelHost;
  readonly epoch: number;
  /** By SENTINEL FAILOVER, which needs no majority. */
  readonly ordered: boolean;
  readonly begun: Line;
  /** `+elected-leader` */
  readonly led: Line | undefined;
}

/** The answer to SENTINEL FAILOVER and the attempt that it begins are so near each other. */
const ORDER_MS: Ms = 2000;
/** A vote may have been asked for so long before the attempt was logged, and counted so long after its voter was lost. */
const SLACK_MS: Ms = 1000;

/** All rules about elections. */
export function checkElections(lines: readonly Line[], quorum: number): Finding[] {
  const logged = only(lines, 'event').filter(({ via }) => via === 'log');
  const needed = Math.max(quorum, Math.floor(SENTINEL_HOSTS.length / 2) + 1);
  return [
    ...checkVotes(logged),
    ...checkLeaders(lines),
    ...checkMajorities(lines, needed),
    ...checkMinorities(lines),
    ...checkOdowns(logged, quorum),
  ];
}

type Event = LineOf<'event'>;

const isVote = ({ channel }: Event) => channel === '+vote-for-leader';
/** `+vote-for-leader <id of the candidate> <epoch>` */
const voteIn = ({ payload }: Event) => {
  const [candidate = '', epoch = ''] = payload.split(' ');
  return { candidate, epoch: Number(epoch) };
};

/** One candidate per voter and epoch, over all its lives. */
function checkVotes(logged: readonly Event[]): Finding[] {
  const votes = new Map<string, Event>();
  const findings: Finding[] = [];
  for (const line of logged.filter(isVote)) {
    const { candidate, epoch } = voteIn(line);
    const key = `${line.by} ${epoch}`;
    const former = votes.get(key);
    if (former === undefined) votes.set(key, line);
    else if (voteIn(former).candidate !== candidate) {
      const why = `${line.by} votes twice in epoch ${epoch}`;
      findings.push({ rule: 'one-vote', why, by: [line.by], proof: [former, line] });
    }
  }
  return findings;
}

/** At most one leader per epoch; two that lead by order may not have heard of each other. */
function checkLeaders(lines: readonly Line[]): Finding[] {
  const leaders = new Map<number, Attempt>();
  const findings: Finding[] = [];
  for (const attempt of attemptsIn(lines)) {
    if (attempt.led === undefined) continue;
    const former = leaders.get(attempt.epoch);
    leaders.set(attempt.epoch, attempt);
    if (former === undefined || former.by === attempt.by || former.ordered || attempt.ordered) continue;
    const why = `${former.by} and ${attempt.by} lead epoch ${attempt.epoch}`;
    const proof = [former.begun, former.led as Line, attempt.begun, attempt.led];
    findings.push({ rule: 'one-leader', why, by: [former.by, attempt.by], proof });
  }
  return findings;
}

/** Who leads has the votes of a majority and a quorum, all of its epoch. */
function checkMajorities(lines: readonly Line[], needed: number): Finding[] {
  const ids = idsIn(lines);
  const votes = only(lines, 'event').filter((line) => line.via === 'log' && isVote(line));
  const findings: Finding[] = [];
  for (const { by, epoch, ordered, begun, led } of attemptsIn(lines)) {
    if (led === undefined || ordered) continue;
    const given = votes.filter((line) => voteIn(line).epoch === epoch && voteIn(line).candidate === ids.get(by));
    const voters = new Set(given.map((line) => line.by));
    if (voters.size >= needed) continue;
    const why = `${by} leads epoch ${epoch} with ${voters.size} of ${needed} votes`;
    findings.push({ rule: 'majority', why, by: [by], proof: [begun, ...given, led] });
  }
  return findings;
}

/** Who could talk to no other sentinel since its attempt began cannot have been elected. */
function checkMinorities(lines: readonly Line[]): Finding[] {
  const findings: Finding[] = [];
  for (const { by, epoch, ordered, begun, led } of attemptsIn(lines)) {
    if (led === undefined || ordered) continue;
    const others = SENTINEL_HOSTS.filter((host) => host !== by);
    if (others.some((other) => couldTalk(lines, by, other, begun.at - SLACK_MS, led.at))) continue;
    const cut = only(lines, 'network').findLast(({ at }) => at <= led.at);
    const proof = [...(cut === undefined ? [] : [cut]), begun, led];
    findings.push({ rule: 'minority', why: `${by} leads epoch ${epoch} all by itself`, by: [by], proof });
  }
  return findings;
}

/** Was there an instant between `from` and `to` at which both ways were open and the other one ran? */
function couldTalk(lines: readonly Line[], one: SentinelHost, other: SentinelHost, from: Ms, to: Ms): boolean {
  let open = true;
  let runs = true;
  for (const line of lines) {
    if (line.at > to) break;
    // What held when a change came had held until then.
    if (line.at > from && open && runs) return true;
    if (line.kind === 'network') open = !line.cut.includes(`${one}>${other}`) && !line.cut.includes(`${other}>${one}`);
    if (line.kind === 'process' && line.who === other) runs = line.step === 'started' || line.step === 'continued';
  }
  return open && runs;
}

/** `+odown master mymaster 10.0.0.1 6379 #quorum 2/2` */
function checkOdowns(logged: readonly Event[], quorum: number): Finding[] {
  const findings: Finding[] = [];
  for (const line of logged) {
    if (line.channel !== '+odown') continue;
    const agreed = Number(/#quorum (\d+)\//.exec(line.payload)?.[1]);
    if (agreed >= quorum) continue;
    const why = `${line.by} has the word of ${agreed}, the quorum is ${quorum}`;
    findings.push({ rule: 'odown', why, by: [line.by], proof: [line] });
  }
  return findings;
}

/** Every attempt to fail over that a log tells of, with the epoch that it was made in. */
export function attemptsIn(lines: readonly Line[]): Attempt[] {
  return SENTINEL_HOSTS.flatMap((host) => attemptsOf(host, lines));
}

function attemptsOf(host: SentinelHost, lines: readonly Line[]): Attempt[] {
  const id = idsIn(lines).get(host);
  const orders = only(lines, 'order').filter(({ by, answer }) => by === host && answer === 'OK');
  const attempts: Attempt[] = [];
  let epoch = 0;
  let open: { epoch: number; begun: Line; ordered: boolean } | undefined;
  for (const line of only(lines, 'event')) {
    if (line.by !== host || line.via !== 'log') continue;
    if (line.channel === '+new-epoch') epoch = Number(line.payload);
    else if (line.channel === '+try-failover') {
      if (open !== undefined) attempts.push({ by: host, ...open, led: undefined });
      const ordered = orders.some(({ at }) => Math.abs(at - line.at) < ORDER_MS);
      open = { epoch, begun: line, ordered };
    } else if (isVote(line) && voteIn(line).candidate === id && open !== undefined) {
      // Where votes were split, the attempt goes on in a later epoch.
      open.epoch = voteIn(line).epoch;
    } else if (line.channel === '+elected-leader') {
      attempts.push({ by: host, ...(open ?? { epoch, begun: line, ordered: false }), led: line });
      open = undefined;
    }
  }
  return open === undefined ? attempts : [...attempts, { by: host, ...open, led: undefined }];
}

function idsIn(lines: readonly Line[]): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { who, id } of only(lines, 'process')) if (id !== undefined) ids.set(who, id);
  return ids;
}
