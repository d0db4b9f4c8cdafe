// Every event a sentinel can tell: its level, its payload, and the one place where both are rendered.
// Names and texts are those of redis-sentinel 7.0.15 (spec/behavior.md §16, spec/commands.md §6).
import type { Address, Epoch, RunId } from './state.ts';

/** A copy of what an event is about, taken when it happens: the address may change before the event is told. */
export interface InstanceRef {
  readonly kind: 'master' | 'replica' | 'peer';
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** The master an instance belongs to; absent for a master. */
  readonly master?: { readonly name: string; readonly host: string; readonly port: number };
}

type PlainName =
  | '-monitor'
  | '+reset-master'
  | '+sdown'
  | '-sdown'
  | '-odown'
  | '+try-failover'
  | '+elected-leader'
  | '+failover-state-select-slave'
  | '+failover-state-reconf-slaves'
  | '+failover-end'
  | '+failover-end-for-timeout'
  | '-failover-abort-not-elected'
  | '-failover-abort-no-good-slave'
  | '-failover-abort-slave-timeout'
  | '+selected-slave'
  | '+promoted-slave'
  | '+config-update-from'
  | '+failover-state-send-slaveof-noone'
  | '+failover-state-wait-promotion'
  | '+slave-reconf-sent'
  | '+slave-reconf-inprog'
  | '+slave-reconf-done'
  | '+slave-reconf-sent-be'
  | '-slave-reconf-sent-timeout'
  | '+slave'
  | '+sentinel'
  | '+reboot'
  | '+convert-to-slave'
  | '+fix-slave-config'
  | '+sentinel-invalid-addr';

export type SentinelEvent =
  | { readonly name: PlainName; readonly about: InstanceRef }
  | { readonly name: '+monitor'; readonly about: InstanceRef; readonly quorum: number }
  | { readonly name: '+set'; readonly about: InstanceRef; readonly option: string; readonly values: readonly string[] }
  | { readonly name: '+odown'; readonly about: InstanceRef; readonly votes: number; readonly quorum: number }
  | { readonly name: '+new-epoch'; readonly about: InstanceRef; readonly epoch: Epoch }
  | { readonly name: '+vote-for-leader'; readonly about: InstanceRef; readonly runId: RunId; readonly epoch: Epoch }
  | { readonly name: '+switch-master'; readonly about: InstanceRef; readonly from: Place; readonly to: Place }
  | { readonly name: '+role-change' | '-role-change'; readonly about: InstanceRef; readonly role: 'master' | 'slave' }
  | {
      readonly name: '+sentinel-address-switch';
      readonly about: InstanceRef;
      readonly to: Place;
      readonly runId: RunId;
    }
  | { readonly name: '+sentinel-address-update'; readonly about: InstanceRef; readonly others: number }
  | { readonly name: '+tilt' | '-tilt' }
  | { readonly name: '-script-error'; readonly path: string; readonly signal: number; readonly code: number }
  | { readonly name: '-script-timeout'; readonly path: string; readonly pid: number }
  | { readonly name: '+script-child'; readonly pid: number }
  | { readonly name: '-script-child'; readonly pid: number; readonly code: number; readonly signal: number }
  | {
      readonly name: '-cmd-link-reconnection' | '-pubsub-link-reconnection';
      readonly about: InstanceRef;
      readonly reason: string;
    };

export type EventName = SentinelEvent['name'];
/** A host as it is shown, and a port. */
export type Place = Pick<Address, 'host' | 'port'>;
/** debug: logged only. verbose, notice: also published. warning: also runs the notification script. */
export type Level = 'debug' | 'verbose' | 'notice' | 'warning';

export const LEVEL: Readonly<Record<EventName, Level>> = {
  '+monitor': 'warning',
  '-monitor': 'warning',
  '+set': 'warning',
  '+reset-master': 'warning',
  '+sdown': 'warning',
  '-sdown': 'warning',
  '+odown': 'warning',
  '-odown': 'warning',
  '+new-epoch': 'warning',
  '+try-failover': 'warning',
  '+vote-for-leader': 'warning',
  '+elected-leader': 'warning',
  '+failover-state-select-slave': 'warning',
  '+failover-state-reconf-slaves': 'warning',
  '+failover-end': 'warning',
  '+failover-end-for-timeout': 'warning',
  '-failover-abort-not-elected': 'warning',
  '-failover-abort-no-good-slave': 'warning',
  '-failover-abort-slave-timeout': 'warning',
  '+selected-slave': 'warning',
  '+promoted-slave': 'warning',
  '+config-update-from': 'warning',
  '+switch-master': 'warning',
  '+tilt': 'warning',
  '-tilt': 'warning',
  '-script-error': 'warning',
  '-script-timeout': 'warning',
  '+failover-state-send-slaveof-noone': 'notice',
  '+failover-state-wait-promotion': 'notice',
  '+slave-reconf-sent': 'notice',
  '+slave-reconf-inprog': 'notice',
  '+slave-reconf-done': 'notice',
  '+slave-reconf-sent-be': 'notice',
  '-slave-reconf-sent-timeout': 'notice',
  '+slave': 'notice',
  '+sentinel': 'notice',
  '+reboot': 'notice',
  '+convert-to-slave': 'notice',
  '+fix-slave-config': 'notice',
  '+sentinel-invalid-addr': 'notice',
  '+sentinel-address-switch': 'notice',
  '+sentinel-address-update': 'notice',
  '+role-change': 'verbose',
  '-role-change': 'verbose',
  '-cmd-link-reconnection': 'debug',
  '-pubsub-link-reconnection': 'debug',
  '+script-child': 'debug',
  '-script-child': 'debug',
};

/** The wire's words for our kinds (style.md §4). */
const WIRE_KIND = { master: 'master', replica: 'slave', peer: 'sentinel' } as const;

/** The instance details at the head of most payloads: `slave a:1 a 1 @ mymaster m 2`. */
export function describe(about: InstanceRef): string {
  const own = `${WIRE_KIND[about.kind]} ${about.name} ${about.host} ${about.port}`;
  const { master } = about;
  return master === undefined ? own : `${own} @ ${master.name} ${master.host} ${master.port}`;
}

/** redis-sentinel 7.0.15 cuts what is longer, so that no client can make an event of any size. */
const PAYLOAD_MAX = 1023;

/**
 * What is published on the channel `event.name`, logged behind it and given to scripts: at most 1023 bytes.
 * Secrets are hidden here and nowhere else.
 */
export function payload(event: SentinelEvent): string {
  return render(event).slice(0, PAYLOAD_MAX);
}

function render(event: SentinelEvent): string {
  switch (event.name) {
    case '+monitor':
      return `${describe(event.about)} quorum ${event.quorum}`;
    case '+set':
      return `${describe(event.about)} ${event.option} ${shownValues(event.option, event.values).join(' ')}`;
    case '+odown':
      return `${describe(event.about)} #quorum ${event.votes}/${event.quorum}`;
    case '+new-epoch':
      return String(event.epoch);
    case '+vote-for-leader':
      return `${event.runId} ${event.epoch}`;
    case '+switch-master':
      return `${event.about.name} ${event.from.host} ${event.from.port} ${event.to.host} ${event.to.port}`;
    case '+role-change':
    case '-role-change':
      return `${describe(event.about)} new reported role is ${event.role}`;
    case '+sentinel-address-switch':
      return `${describe(event.about)} ip ${event.to.host} port ${event.to.port} for ${event.runId}`;
    case '+sentinel-address-update':
      return `${describe(event.about)} ${event.others} additional matching instances`;
    case '+tilt':
      return '#tilt mode entered';
    case '-tilt':
      return '#tilt mode exited';
    case '-script-error':
      return `${event.path} ${event.signal} ${event.code}`;
    case '-script-timeout':
      return `${event.path} ${event.pid}`;
    case '+script-child':
      return String(event.pid);
    case '-script-child':
      return `${event.pid} ${event.code} ${event.signal}`;
    case '-cmd-link-reconnection':
    case '-pubsub-link-reconnection':
      return `${describe(event.about)} #${event.reason}`;
    default:
      return describe(event.about);
  }
}

/** redis-sentinel 7.0.15 shows the value of auth-pass as six asterisks, even an empty one. */
function shownValues(option: string, values: readonly string[]): readonly string[] {
  return option.toLowerCase() === 'auth-pass' ? ['******'] : values;
}
