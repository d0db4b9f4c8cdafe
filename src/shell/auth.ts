// Passwords of clients: kept as SHA-256, compared in constant time, never shown.
import { createHash, timingSafeEqual } from 'node:crypto';

/** The lower-case hex SHA-256 of a password given as a byte string; what `user` lines hold behind `#`. */
export function hashPassword(password: string): string {
  return createHash('sha256').update(password, 'latin1').digest('hex');
}

/**
 * A check of `default`'s passwords. Without hashes every password is right (`nopass`). An unknown user takes as long
 * to refuse as a wrong password does.
 */
export function createPasswordCheck(hashes: readonly string[]): (user: string, password: string) => boolean {
  const accepted = hashes.map((hash) => Buffer.from(hash, 'hex'));
  return (user, password) => {
    const given = Buffer.from(hashPassword(password), 'hex');
    let matches = accepted.length === 0;
    for (const hash of accepted) if (timingSafeEqual(hash, given)) matches = true;
    return matches && user === 'default';
  };
}
