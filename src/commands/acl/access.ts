// What access control needs while clients are served: the users, who was refused what, and the world it asks.
import type { RuleContext } from '../../config/acl/rules.ts';
import type { User } from '../../config/acl/user.ts';
import type { Ms } from '../../core/state.ts';

export interface Access {
  /** By name; replaced, never changed. The default user is always there. */
  readonly users: Map<string, User>;
  /** Newest first. */
  readonly log: LogEntry[];
  /** `acllog-max-len`. */
  readonly logMaxLen: number;
  /** What rules mean here; its commands are the genuine names, whatever they were renamed to. */
  readonly context: RuleContext;
  /** `undefined`: users stand in the configuration file. */
  readonly file: AclFile | undefined;
  /**
   * Is it one of the passwords with these hashes? Takes as long for a wrong one as for a right one, and with no hash
   * as long as with one.
   */
  passwordIs(password: string, hashes: readonly string[]): boolean;
}

/** The file of users. */
export interface AclFile {
  /** As the configuration names it. */
  readonly name: string;
  read(): { readonly text: string } | { readonly error: string };
  /**
   * One save at a time, and the text is asked for when its turn comes. Resolves when it is on disk: to `undefined`, or to
   * the system's words for why it is not.
   */
  write(render: () => string): Promise<string | undefined>;
}

export type DeniedFor = 'auth' | 'command' | 'channel';

/** One kind of refusal, which may have happened several times. */
export interface LogEntry {
  count: number;
  readonly reason: DeniedFor;
  /** The command, the channel, or how the login was spelled. */
  readonly object: string;
  readonly username: string;
  /** The last time. */
  at: Ms;
  /** The client of the last time, as CLIENT LIST shows it. */
  clientInfo: string;
}

/** The user of new connections. */
export function defaultUserOf({ users }: Access): User {
  const user = users.get('default');
  if (user === undefined) throw new Error('invariant: there is no default user');
  return user;
}
