// Byte strings (one character is one byte, as the configuration text has them) <-> the strings that Node's calls take.
// Without it a folder or a password with an accent would be another one.

/** A path or a title as Node wants it. */
export const fromBytes = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** A path or an argument of the process as the byte string of its UTF-8 form. */
export const toBytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
