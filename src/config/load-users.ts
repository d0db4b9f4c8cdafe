// The users of a configuration that was read: settled when everything else is known, and what is to be said about them.

import { userLine } from './acl/describe.ts';
import type { RuleContext } from './acl/rules.ts';
import type { User } from './acl/user.ts';
import { type DeclaredUser, parseAclFile, settleUsers, type Users } from './acl/users.ts';
import { ConfigError } from './config-error.ts';
import type { SentinelLine } from './directives.ts';
import type { GeneralOptions } from './general-options.ts';

/** A file's text, or the system's words for why it cannot be read. */
export type FileText = { readonly text: string } | { readonly error: string };

/** Where a `user` line stands. */
export interface UserPlace {
  readonly source: SentinelLine['source'];
  /** In the main file, where a rewrite may have copied it to from one of the others. */
  readonly saved: boolean;
}

export interface ReadUser extends DeclaredUser, UserPlace {}

/**
 * Of two lines for one user the one that counts; `undefined`: none, the user is declared twice.
 * Differs: redis-sentinel 7.0.15 saves the users of an included file and of the command line into the main file, and
 * refuses that file at the next start. As with masters (TS-D3, TS-D5) the main file wins.
 */
export function winnerOf<Place extends UserPlace>(before: Place, after: Place): Place | undefined {
  const [winner, loser] = before.saved ? [before, after] : [after, before];
  return winner.saved && loser.source !== 'main' ? winner : undefined;
}

export interface UserSource {
  readonly declared: readonly ReadUser[];
  readonly general: GeneralOptions;
  readonly context: RuleContext;
  readAclFile(path: string): FileText;
}

/** Throws ConfigError, told in the log, for users that cannot be taken as they are. */
export function loadUsers({ declared, general, context, readAclFile }: UserSource): Users {
  const { aclFile, requirePass } = general;
  if (aclFile !== undefined && declared.length > 0) refuse([BOTH_SOURCES]);
  const hash = requirePass === undefined ? undefined : context.sha256Hex(requirePass);
  const settled = settleUsers(declared, hash, context);
  if (!isUsers(settled)) return refuse(settled.error);
  return aclFile === undefined ? settled : loadAclFile(aclFile, readAclFile(aclFile), context);
}

function loadAclFile(file: string, found: FileText, context: RuleContext): Users {
  const users = readAclUsers(file, found, context);
  if (!isUsers(users)) return refuse([`Aborting Redis startup because of ACL errors: ${users.error}`]);
  return users;
}

/** The users of the ACL file, or what is wrong with it, as ACL LOAD and the start tell it. */
export function readAclUsers(file: string, found: FileText, context: RuleContext): Users | { readonly error: string } {
  if ('error' in found) return { error: `Error loading ACLs, opening file '${file}': ${found.error}` };
  return parseAclFile(found.text, file, context);
}

/** Users, and not an error. */
export const isUsers = (result: Users | { readonly error: unknown }): result is Users => result instanceof Map;

function refuse(logLines: readonly string[]): never {
  throw new ConfigError(logLines[0] ?? '', undefined, { channel: 'log', logLines });
}

const BOTH_SOURCES =
  'Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. ' +
  'This setup is very likely to lead to configuration errors and security holes, ' +
  'please define either an ACL file or declare users directly in your redis.conf, but not both.';

/** The users whose lines the configuration file is to have: none where an ACL file has them. */
export function usersToWrite({ aclFile }: Pick<GeneralOptions, 'aclFile'>, users: Users): readonly User[] {
  return aclFile === undefined ? [...users.values()] : [];
}

/** What the genuine server notes about users at the start. */
export function userNotices(users: Users, declared: readonly DeclaredUser[]): string[] {
  return declared
    .filter(({ name }) => users.get(name)?.on === false)
    .map(
      ({ name }) =>
        `The user '${name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error.`,
    );
}

/** What is likely to be a mistake, though the genuine server takes it without a word. */
export function userWarnings(users: Users, { declared, general, context }: UserSource): string[] {
  const user = users.get('default');
  if (user === undefined) return [];
  const warnings = [];
  const inFile = general.aclFile !== undefined || declared.some(({ name }) => name === 'default');
  const { requirePass } = general;
  if (inFile && requirePass !== undefined && !user.passwords.includes(context.sha256Hex(requirePass))) {
    const winner = general.aclFile === undefined ? "the 'user default' line" : 'the ACL file';
    const outcome = !user.on ? 'nobody logs in as default' : user.nopass ? NO_PASSWORD : 'another password is needed';
    const remedy = general.aclFile === undefined ? '; remove that line to let requirepass count' : '';
    warnings.push(`requirepass has no effect on clients: ${winner} wins, ${outcome}${remedy}`);
  }
  const hears = [user.root, ...user.selectors].some((each) => each.allChannels || each.channels.length > 0);
  if (user.on && user.root.commands.allowed.has('publish') && !hears)
    warnings.push(
      "the user default has no channels: it hears no events, and other sentinels' hellos are refused; '&*' gives them",
    );
  return warnings;
}

const NO_PASSWORD = 'clients need no password';

/**
 * The lines that the command line made: these users' lines in the file stay as they are while nothing changes them.
 * A password of the command line is one, or the next start would prefer its `user default` line.
 */
export function linesOfCommandLine(users: Users, { declared, context }: UserSource, requirePassToo: boolean) {
  const names = declared.filter(({ source }) => source === 'command-line').map(({ name }) => name);
  if (requirePassToo && !declared.some(({ name }) => name === 'default')) names.push('default');
  const lineOf = (name: string) => {
    const user = users.get(name);
    return user === undefined ? '' : userLine(user, context.commands);
  };
  return new Map(names.map((name) => [name, lineOf(name)]));
}
