import { hex, strtoui, uintPrefix } from '../extension/numbers.ts';
import type { OptionCall, OptionSpec } from '../extension/syntax.ts';
import { custom, type Masked } from '../extension/values.ts';

/** Names and numbers of a table of iproute2: what its files have by default. */
export type Names = Readonly<Record<string, number>>;

/** `value[/mask]` or a name: xtables_parse_val_mask(). */
export function namedMask(names: Names): OptionSpec<Masked> {
  return custom(
    (text: string, call: OptionCall): Masked => {
      const value = uintPrefix(text, 0, 0xffffffff);
      const rest = value === undefined ? text : text.slice(value.end);
      if (value === undefined || (rest !== '' && rest[0] !== '/')) {
        if (Object.hasOwn(names, text)) return { value: names[text]!, mask: -1 };
        return call.fail(
          `${call.extension}: could not map name ${text} to an integer value for option "--${call.option}".`,
        );
      }
      const mask = rest === '' ? 0xffffffff : strtoui(rest.slice(1), 0, 0xffffffff);
      if (mask === undefined) {
        call.fail(`${call.extension}: bad integer value for option "--${call.option}", or out of range.`);
      }
      return { value: value.value | 0, mask: mask | 0 };
    },
    { invertible: true },
  );
}

/** As it is saved: a number that has a name by its name. */
export function saveNamed(o: Masked, names: Names): string {
  const name = Object.keys(names).find((one) => names[one] === o.value);
  return o.mask === -1 && name !== undefined ? name : listNamed(o);
}

export function listNamed(o: Masked): string {
  return `0x${hex(o.value)}${o.mask === -1 ? '' : `/0x${hex(o.mask)}`}`;
}
