/**
 * A notation for the messages of H.225.0 and H.245, as the ITU's recommendations define them in ASN.1: just enough of
 * it to read aligned PER (X.691). How many bits a field takes follows from its range.
 *
 * Of each component it says what becomes of it, since that decides what the kernel looks into: it is passed over, it is
 * read, or it ends the reading of what it stands in. A name that ends in `?` is optional.
 */

/** How a whole number, or a length, is written: in so many bits; in one or two bytes; with its own length before it. */
export type Width = number | 'byte' | 'word' | 'counted' | 'unbounded' | 'fixed';

export type Syntax =
  | { readonly kind: 'nothing' | 'bool' | 'oid' }
  | { readonly kind: 'int'; readonly width: Width; readonly least: number }
  | { readonly kind: 'bits' | 'octets' | 'wide' | 'digits'; readonly width: Width; readonly least: number }
  | Sequence
  | { readonly kind: 'sequenceOf'; readonly item: Component; readonly most: number }
  | Choice;

export type Fate = 'passed' | 'read' | 'ends';

export interface Component {
  readonly name: string;
  readonly syntax: Syntax;
  readonly fate: Fate;
  readonly isOptional: boolean;
  /** An open type: its length in bytes stands before it. */
  readonly isOpen: boolean;
}

interface Sequence {
  readonly kind: 'sequence';
  readonly optionals: number;
  readonly root: readonly Component[];
  /** Undefined: it cannot be extended. */
  readonly additions: readonly Component[] | undefined;
}

interface Choice {
  readonly kind: 'choice';
  /** Bits of the index into `root`. */
  readonly indexBits: number;
  readonly root: readonly Component[];
  readonly additions: readonly Component[] | undefined;
}

export const nothing: Syntax = { kind: 'nothing' };
export const bool: Syntax = { kind: 'bool' };
export const oid: Syntax = { kind: 'oid' };

/** INTEGER (least..most); without bounds, any. */
export function int(least?: number, most?: number): Syntax {
  if (least === undefined || most === undefined) return { kind: 'int', width: 'unbounded', least: 0 };
  return { kind: 'int', width: widthOf(most - least + 1), least };
}

/** OCTET STRING and IA5String of `least` to `most` bytes; one number: always so many; none: any. */
export function octets(least?: number, most?: number): Syntax {
  return stringOf('octets', least, most);
}

/** BIT STRING, likewise in bits. */
export function bits(least?: number, most?: number): Syntax {
  return stringOf('bits', least, most);
}

/** BMPString: two bytes a character. */
export function wide(least: number, most: number): Syntax {
  return stringOf('wide', least, most);
}

/** A string of digits, which take four bits each. */
export function digits(least: number, most: number): Syntax {
  return stringOf('digits', least, most);
}

function stringOf(kind: 'bits' | 'octets' | 'wide' | 'digits', least?: number, most?: number): Syntax {
  if (least === undefined) return { kind, width: 'unbounded', least: 0 };
  if (most === undefined) return { kind, width: 'fixed', least };
  return { kind, width: widthOf(most - least + 1), least };
}

function widthOf(range: number): Width {
  if (range < 256) return Math.ceil(Math.log2(range));
  if (range === 256) return 'byte';
  return range <= 0x10000 ? 'word' : 'counted';
}

type Parts = Readonly<Record<string, Syntax | Marked>>;

/** A component that is not just passed over. */
interface Marked {
  readonly fate: Fate;
  readonly syntax: Syntax;
  readonly isOpen?: boolean;
}

/** An open type that is passed over. */
export const passedOpen: Marked = { fate: 'passed', syntax: nothing, isOpen: true };

export function read(syntax: Syntax): Marked {
  return { fate: 'read', syntax };
}

/** SEQUENCE. `additions` (possibly none) stand behind its `...`. */
export function sequence(root: Parts, additions?: Parts): Syntax {
  const components = componentsOf(root);
  return {
    kind: 'sequence',
    optionals: components.filter((one) => one.isOptional).length,
    root: components,
    additions: additions && componentsOf(additions),
  };
}

export function sequenceOf(syntax: Syntax): Syntax {
  return { kind: 'sequenceOf', item: component('', syntax), most: 0 };
}

/** SEQUENCE OF, the first `most` items of which are read. */
export function readSequenceOf(syntax: Syntax, most: number, isOpen = false): Syntax {
  return { kind: 'sequenceOf', item: { ...component('', read(syntax)), isOpen }, most };
}

export function choice(root: Parts, additions?: Parts): Syntax {
  const components = componentsOf(root);
  return {
    kind: 'choice',
    indexBits: Math.ceil(Math.log2(components.length)),
    root: components,
    additions: additions && componentsOf(additions),
  };
}

/** Additions that are never looked into: their length, which stands before them, suffices. */
export function passed(names: string): Parts {
  return Object.fromEntries(names.split(' ').map((name) => [name, nothing]));
}

/** Components at which the reading ends. */
export function ends(names: string): Parts {
  return Object.fromEntries(names.split(' ').map((name) => [name, { fate: 'ends', syntax: nothing }]));
}

function componentsOf(parts: Parts): Component[] {
  return Object.entries(parts).map(([name, part]) => component(name, part));
}

function component(name: string, part: Syntax | Marked): Component {
  const isOptional = name.endsWith('?');
  const { fate, syntax, isOpen = false }: Marked = 'fate' in part ? part : { fate: 'passed', syntax: part };
  return { name: isOptional ? name.slice(0, -1) : name, syntax, fate, isOptional, isOpen };
}
