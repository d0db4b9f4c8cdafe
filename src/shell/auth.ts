// Passwords of clients: kept as SHA-256, compared in constant time, never shown.
import { createHash, timingSafeEqual } from 'node:crypto';

/** The lower-case hex SHA-256 of a password given as a byte string; what `user` lines hold behind `#`. */
export function hashPassword(password: string): string {
  return createHash('sha256').update(password, 'latin1').digest('hex');
}

/** Compared with where there is nothing to compare with, so that this takes no less time. */
const NO_PASSWORD = Buffer.alloc(32);

/**
 * Is it one of the passwords with these hashes? Hashed once and compared with all of them, in constant time; where
 * there are none, with something that it cannot be.
 */
export function passwordIs(password: string, hashes: readonly string[]): boolean {
  const given = Buffer.from(hashPassword(password), 'hex');
  let matches = false;
  for (const hash of hashes) if (timingSafeEqual(Buffer.from(hash, 'hex'), given)) matches = true;
  if (hashes.length === 0) timingSafeEqual(NO_PASSWORD, given);
  return matches;
}
