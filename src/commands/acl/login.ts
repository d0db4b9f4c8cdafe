// Who a client is: logging in, and what a connection is before that.
import type { Clock } from '../../core/effects.ts';
import type { Session } from '../session.ts';
import { type Access, defaultUserOf } from './access.ts';
import { noteDenial } from './denials.ts';

/** New connections are the default user's; they are logged in if it is on and needs no password. */
export function isOpen(access: Access): boolean {
  const { on, nopass } = defaultUserOf(access);
  return on && nopass;
}

/** Must the client log in before it may do anything? What the default user is now counts as well. */
export function mustLogIn(access: Access, session: Session): boolean {
  return !session.authenticated && !isOpen(access);
}

/**
 * Log in; false leaves the client who it was, and is noted. An unknown user, one that is off and a wrong password take
 * the same time: one password is hashed and compared for each of them.
 */
export function logIn(
  access: Access,
  session: Session,
  { name, password, typed }: { readonly name: string; readonly password: string; readonly typed: string },
  clock: Clock,
): boolean {
  const user = access.users.get(name);
  const matches = access.passwordIs(password, user?.passwords ?? []);
  if (user === undefined || !user.on || !(matches || user.nopass)) {
    noteDenial(access, session, { reason: 'auth', object: typed, username: name }, clock);
    return false;
  }
  session.authenticated = true;
  session.user = name;
  return true;
}

/** Its user is gone: whatever the connection still does, it does without rights. */
export function logOut(session: Session): void {
  session.authenticated = false;
  session.user = undefined;
}
