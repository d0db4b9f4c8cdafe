// Numbers as the file spells them: general options are strict, sentinel lines follow the C library.
// Every rule here is one of spec/config.md §1.7 (strict) or §2.2 (C style).

const MAX_U64 = 2n ** 64n - 1n;
const MAX_I64 = 2n ** 63n - 1n;
const MIN_I64 = -(2n ** 63n);

const C_NUMBER = /^[ \t\n\v\f\r]*([+-]?\d+)/;
const STRICT_INTEGER = /^(0|-?[1-9]\d*)$/;
const MEMORY = /^(\d*)(b|kb?|mb?|gb?)?$/i;

const UNITS: Readonly<Record<string, bigint>> = {
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** `exact`: the whole text was the number; otherwise characters were ignored, or nothing was parsed at all. */
export interface Parsed<N> {
  readonly value: N;
  readonly exact: boolean;
}

/** A signed 32 bit number: parsing stops at the first non-digit, nothing parsed is 0, the result wraps around. */
export function cInt32(text: string): Parsed<number> {
  const found = C_NUMBER.exec(text);
  const digits = found?.[1];
  if (found === null || digits === undefined) return { value: 0, exact: false };
  const wide = clamp(BigInt(digits), MIN_I64, MAX_I64);
  return { value: Number(BigInt.asIntN(32, wide)), exact: found[0].length === text.length };
}

/** An unsigned 64 bit number; a negative one wraps around, one too large becomes the largest. */
export function cUint64(text: string): Parsed<bigint> {
  const found = C_NUMBER.exec(text);
  const digits = found?.[1];
  if (found === null || digits === undefined) return { value: 0n, exact: false };
  const wide = BigInt(digits);
  const fits = wide <= MAX_U64 && wide >= -MAX_U64;
  return { value: fits ? BigInt.asUintN(64, wide) : MAX_U64, exact: found[0].length === text.length };
}

/** A signed 64 bit number without plus sign, leading zero or blank; `undefined` for everything else. */
export function strictInteger(text: string): bigint | undefined {
  if (!STRICT_INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return value >= MIN_I64 && value <= MAX_I64 ? value : undefined;
}

/** Digits in base 8 only; `undefined` for everything else. */
export function octal(text: string): bigint | undefined {
  return /^[0-7]+$/.test(text) ? BigInt(`0o${text}`) : undefined;
}

/** A size in bytes as unsigned 64 bit number, which wraps around as in C; `undefined` when it is none. */
export function memorySize(text: string): bigint | undefined {
  const [found, digits, unit = 'b'] = MEMORY.exec(text) ?? [];
  if (found === undefined) return undefined;
  // No digits at all count as 0: redis-sentinel 7.0.15 takes `maxmemory kb`.
  const count = clamp(BigInt(digits === '' || digits === undefined ? '0' : digits), 0n, MAX_U64);
  return BigInt.asUintN(64, count * (UNITS[unit.toLowerCase()] ?? 1n));
}

/** A size with the largest unit that divides it, as the rewrite spells it. */
export function memoryText(bytes: bigint): string {
  for (const unit of ['gb', 'mb', 'kb']) {
    const size = UNITS[unit] ?? 1n;
    if (bytes !== 0n && bytes % size === 0n) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  if (value < low) return low;
  return value > high ? high : value;
}
