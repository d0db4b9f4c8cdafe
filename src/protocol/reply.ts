// What a server says to its clients, as values: made by the commands, written by resp-writer.ts.
// Texts are byte strings: one character stands for one byte, so any name or payload survives unchanged.

export type Reply =
  | { readonly kind: 'simple'; readonly text: string }
  /** Without the leading `-`: `ERR syntax error`. */
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number | bigint }
  | { readonly kind: 'bulk'; readonly text: string }
  | { readonly kind: 'null' }
  /** The null of arrays: `*-1` in RESP2, the one null in RESP3. */
  | { readonly kind: 'null-array' }
  | { readonly kind: 'array'; readonly items: readonly Reply[] }
  | { readonly kind: 'map'; readonly entries: readonly (readonly [Reply, Reply])[] }
  /** A map from texts to texts: name, value, name, value … */
  | { readonly kind: 'fields'; readonly texts: readonly string[] }
  /** The same with so many names, as written-fields.ts has written it. */
  | { readonly kind: 'written'; readonly entries: number; readonly parts: readonly string[] }
  | { readonly kind: 'set'; readonly items: readonly Reply[] }
  | { readonly kind: 'push'; readonly items: readonly Reply[] }
  /** Text for people: a bulk string in RESP2, `txt:` in RESP3. */
  | { readonly kind: 'verbatim'; readonly text: string }
  | { readonly kind: 'double'; readonly text: string };

export const ok: Reply = { kind: 'simple', text: 'OK' };
export const nullBulk: Reply = { kind: 'null' };
export const nullArray: Reply = { kind: 'null-array' };

export const simple = (text: string): Reply => ({ kind: 'simple', text });
export const error = (text: string): Reply => ({ kind: 'error', text });
export const integer = (value: number | bigint): Reply => ({ kind: 'integer', value });
export const bulk = (text: string): Reply => ({ kind: 'bulk', text });
export const array = (items: readonly Reply[]): Reply => ({ kind: 'array', items });
export const set = (items: readonly Reply[]): Reply => ({ kind: 'set', items });
export const push = (items: readonly Reply[]): Reply => ({ kind: 'push', items });
export const verbatim = (text: string): Reply => ({ kind: 'verbatim', text });
export const bulks = (texts: readonly string[]): Reply => array(texts.map(bulk));

/** A map from texts to replies. */
export const map = (entries: readonly (readonly [string, Reply])[]): Reply => ({
  kind: 'map',
  entries: entries.map(([name, value]) => [bulk(name), value] as const),
});

/** A map from texts to texts. */
export const fields = (entries: readonly (readonly [string, string])[]): Reply => ({
  kind: 'fields',
  texts: entries.flat(),
});
