// What the command line of `npm run test:clients` asked for; run.js passes it on.
import { type ClientSpec, clients } from './catalogue.ts';
import { type Variant, variants } from './variants.ts';

export interface Asked {
  clients: readonly ClientSpec[];
  variants: readonly Variant[];
  /** Against redis-sentinel, to tell our failures from a library's own ways. */
  genuine: boolean;
  /** Print the errors that applications saw during the outages. */
  errors: boolean;
}

/** Throws a sentence that lists what there is when something is asked for that there is not. */
export function readAsked(text = '{}'): Asked {
  const {
    names,
    variant,
    genuine = false,
    errors = false,
  } = JSON.parse(text) as {
    names?: string[];
    variant?: string;
    genuine?: boolean;
    errors?: boolean;
  };
  return {
    clients: names?.map((name) => pick('client', clients, name)) ?? clients,
    variants: variant === undefined ? variants : [pick('variant', variants, variant)],
    genuine,
    errors,
  };
}

/** By name, whatever the case; a hyphen stands for a blank. */
function pick<T extends { readonly name: string }>(what: string, all: readonly T[], name: string): T {
  const plain = (text: string) => text.toLowerCase().replaceAll(' ', '-');
  const found = all.find((each) => plain(each.name) === plain(name));
  if (found === undefined)
    throw new Error(`no ${what} "${name}"; there are: ${all.map((each) => each.name).join(', ')}`);
  return found;
}
