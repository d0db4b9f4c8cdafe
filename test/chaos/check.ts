// What must have held in a run, judged by its history alone (spec: what a simulation checks from the inside).
import { attemptsIn, checkElections } from './check-elections.ts';
import { isLost, keptBy } from './figures.ts';
import { type Line, type LineOf, only } from './history.ts';
import { nameOf, SENTINEL_HOSTS, type SentinelHost } from './plan.ts';
import type { Finding, Rule, Violation } from './violation.ts';

/** Everything that did not hold. */
export function checkHistory(lines: readonly Line[]): Violation[] {
  const [run] = only(lines, 'run');
  if (run === undefined) throw new Error('a history without a beginning');
  const findings = [
    ...checkElections(lines, run.settings.quorum),
    ...checkEpochs(lines),
    ...checkConfigurations(lines),
    ...checkPromotions(lines, run),
    ...checkAnnounced(lines),
    ...checkProcesses(lines),
    ...checkOrder(lines, run.sentinels),
  ];
  const isOurs = (host: SentinelHost) => run.sentinels[host] === 'ts';
  return findings.map((finding) => ({ ...finding, ours: finding.by.length > 0 && finding.by.every(isOurs) }));
}

/** What one sentinel showed, in order: nothing of it may ever be less than before, its file not less than what it told. */
function checkEpochs(lines: readonly Line[]): Finding[] {
  return SENTINEL_HOSTS.flatMap((host) => checkEpochsOf(host, lines));
}

type Seen = { readonly value: number; readonly line: Line };

function checkEpochsOf(host: SentinelHost, lines: readonly Line[]): Finding[] {
  const findings: Finding[] = [];
  const seen = { epoch: nothing, configEpoch: nothing, vote: nothing };
  const compare = (what: keyof typeof seen, value: number, line: Line, rule: Rule, strictly = false) => {
    const former = seen[what];
    if (value < former.value || (strictly && value === former.value)) {
      const why = `${host}: ${WORDS[what]} ${value} after ${former.value}`;
      findings.push({ rule, why, by: [host], proof: [former.line, line] });
    }
    if (value >= former.value) seen[what] = { value, line };
  };
  for (const line of lines) {
    if (!('by' in line) || line.by !== host) continue;
    if (line.kind === 'view') compare('configEpoch', line.configEpoch, line, 'epoch');
    else if (line.kind === 'file') {
      compare('epoch', line.epoch, line, 'epoch');
      compare('configEpoch', line.configEpoch, line, 'epoch');
      compare('vote', line.leaderEpoch, line, 'vote-kept');
    } else if (line.kind === 'event' && line.via === 'log') {
      // The file of a sentinel that runs is not looked at, so an epoch that is news must be higher than all before.
      if (line.channel === '+new-epoch') compare('epoch', Number(line.payload), line, 'epoch', true);
      if (line.channel === '+vote-for-leader') compare('vote', Number(line.payload.split(' ')[1]), line, 'vote-kept');
    }
  }
  return findings;
}

const nothing: Seen = { value: -1, line: { at: 0, kind: 'stalled', ms: 0 } };
const WORDS = { epoch: 'current epoch', configEpoch: 'config epoch', vote: 'a vote in epoch' };

/** An epoch stands for one address, whoever names it. */
function checkConfigurations(lines: readonly Line[]): Finding[] {
  const contested = contestedEpochs(lines);
  const places = new Map<number, LineOf<'hello' | 'view' | 'file'>>();
  const findings: Finding[] = [];
  for (const line of lines) {
    if (line.kind !== 'hello' && line.kind !== 'view' && line.kind !== 'file') continue;
    // During a failover SENTINEL MASTERS shows the old address with the new epoch.
    if (line.kind === 'view' && line.flags.includes('failover_in_progress')) continue;
    const { configEpoch, master } = line;
    if (configEpoch === 0 || contested.has(configEpoch) || master === '') continue;
    const first = places.get(configEpoch);
    if (first === undefined) places.set(configEpoch, line);
    else if (first.master !== master) {
      const why = `config epoch ${configEpoch} is ${first.master} and ${master}`;
      findings.push({ rule: 'one-config', why, by: unique([first.by, line.by]), proof: [first, line] });
      contested.add(configEpoch);
    }
  }
  return findings;
}

/** No majority is asked for a failover by order: two of them, cut off from each other, may share an epoch. */
function contestedEpochs(lines: readonly Line[]): Set<number> {
  const attempts = attemptsIn(lines);
  const shared = attempts.filter(
    ({ epoch, ordered }, index) =>
      ordered && attempts.some((other, place) => place !== index && other.epoch === epoch && other.led),
  );
  return new Set(shared.map(({ epoch }) => epoch));
}

function checkPromotions(lines: readonly Line[], { settings }: LineOf<'run'>): Finding[] {
  const { unwanted } = settings;
  if (unwanted === undefined) return [];
  const findings: Finding[] = [];
  for (const line of only(lines, 'event')) {
    if (line.channel !== '+selected-slave' && line.channel !== '+promoted-slave') continue;
    // slave 10.0.0.2:6379 10.0.0.2 6379 @ mymaster 10.0.0.1 6379
    if (nameOf(line.payload.split(' ')[2] ?? '') !== unwanted) continue;
    const why = `${line.by} promotes ${unwanted}, which has priority 0`;
    findings.push({ rule: 'unwanted', why, by: [line.by], proof: [line] });
  }
  for (const line of only(lines, 'role'))
    if (line.by === unwanted && line.role === 'master')
      findings.push({ rule: 'unwanted', why: `${unwanted} is a master`, by: [...SENTINEL_HOSTS], proof: [line] });
  return findings;
}

/** After a failover by order was announced nothing that is acknowledged is lost: where nothing else goes wrong. */
function checkAnnounced(lines: readonly Line[]): Finding[] {
  const findings: Finding[] = [];
  const kept = keptBy(lines);
  for (const begin of only(lines, 'episode')) {
    if (begin.step !== 'begins' || begin.label !== 'SENTINEL FAILOVER') continue;
    const end = lines.find((line) => line.kind === 'episode' && line.index === begin.index && line.step === 'in-order');
    const during = lines.filter(({ at }) => at >= begin.at && at <= (end?.at ?? Number.POSITIVE_INFINITY));
    const order = only(during, 'order').find(({ answer }) => answer === 'OK');
    const told = only(during, 'event').find(({ channel }) => channel === '+switch-master');
    if (order === undefined || told === undefined) continue;
    const lost = only(during, 'write').filter((write) => write.sentAt > told.at && isLost(write, kept));
    const [first] = lost;
    if (first === undefined) continue;
    const why = `${lost.length} writes lost that were sent after the switch was announced`;
    findings.push({ rule: 'announced', why, by: [order.by], proof: [order, told, first] });
  }
  return findings;
}

function checkProcesses(lines: readonly Line[]): Finding[] {
  const findings: Finding[] = [];
  for (const line of lines) {
    if (line.kind === 'process' && line.step === 'died' && isSentinel(line.who))
      findings.push({ rule: 'alive', why: `${line.who} died: ${line.how}`, by: [line.who], proof: [line] });
    if (line.kind === 'outcry')
      findings.push({ rule: 'alive', why: `${line.by} says: ${line.text}`, by: [line.by], proof: [line] });
    if (line.kind === 'file' && !line.loads)
      findings.push({ rule: 'file', why: `${line.by}: ${line.why}`, by: [line.by], proof: [line] });
  }
  return findings;
}

/** That order returns, and stays, is owed by the group: by those of ours in it. */
function checkOrder(lines: readonly Line[], kinds: LineOf<'run'>['sentinels']): Finding[] {
  const ours = SENTINEL_HOSTS.filter((host) => kinds[host] === 'ts');
  const findings: Finding[] = [];
  for (const line of only(lines, 'episode'))
    if (line.step === 'disorder')
      findings.push({ rule: 'liveness', why: `${line.label}: ${line.why}`, by: ours, proof: [line] });
  for (const begin of only(lines, 'quiet')) {
    if (begin.step === 'disorder') findings.push({ rule: 'quiet', why: begin.why ?? '', by: ours, proof: [begin] });
    if (begin.step !== 'begins') continue;
    const over = only(lines, 'quiet').find(({ at, step }) => step !== 'begins' && at >= begin.at);
    const during = lines.filter(({ at }) => at > begin.at && over !== undefined && at < over.at);
    // Who is kept from running by the machine may be taken for down.
    if (during.some(({ kind }) => kind === 'stalled')) continue;
    for (const event of only(during, 'event'))
      if (event.via === 'log' && (event.channel === '+try-failover' || event.channel === '+switch-master'))
        findings.push({
          rule: 'quiet',
          why: `${event.by}: ${event.channel} without cause`,
          by: [event.by],
          proof: [event],
        });
  }
  return findings;
}

function isSentinel(host: string): host is SentinelHost {
  return SENTINEL_HOSTS.some((each) => each === host);
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
