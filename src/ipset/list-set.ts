import type { Packet } from '../packet/packet.ts';
import type { RegisterName } from '../packet/registers.ts';
import { formatExtensions } from './element-format.ts';
import { ElementTable } from './element-table.ts';
import { type ElementExtensions, storeExtensions } from './extension-options.ts';
import { isExpired, matchExtensions } from './extensions.ts';
import { SetFault } from './fault.ts';
import { addToSet, askSet, deleteFromSet } from './query.ts';
import type { SetRegistry } from './registry.ts';
import {
  ALREADY_ADDED,
  type IpSet,
  NOT_ADDED,
  type SetOptions,
  type SetQuery,
  type SkbInfo,
} from './types.ts';

/**
 * list:set: sets that are asked one after the other, until one says yes. Linux:
 * net/netfilter/ipset/ip_set_list_set.c. Counters are compared with those of the list's own elements alone, and
 * `! --update-subcounters` keeps the members' from counting (list_set_ktest()).
 */
export class ListSet implements IpSet {
  readonly name: string;
  readonly typeName = 'list:set';
  readonly options: SetOptions;
  readonly dimension = 1;
  readonly knowsNomatch = false;
  readonly #registry: SetRegistry;
  readonly #list: IpSet[] = [];
  /** One word: number of the member. */
  readonly #table = new ElementTable(1);
  readonly #places = new Map<IpSet, number>();
  #added = 0;
  /** The query of members for each query of the list. */
  readonly #subQueries = new WeakMap<SetQuery, SetQuery>();

  constructor(name: string, options: SetOptions, registry: SetRegistry) {
    this.name = name;
    this.options = options;
    this.#registry = registry;
  }

  get members(): readonly IpSet[] {
    return this.#list;
  }

  get changesByItself(): boolean {
    return this.options.timeoutSeconds !== undefined;
  }

  reads(sources: number): readonly (RegisterName | 'payload')[] {
    return this.#list.flatMap((member) => member.reads(sources));
  }

  test(p: Packet, query: SetQuery, found: SkbInfo | undefined): number {
    const subQuery = this.#subQueryOf(query);
    for (const member of this.#list) {
      if (askSet(member, p, subQuery, found) <= 0) continue;
      const place = this.#places.get(member)!;
      if (matchExtensions(this.options, this.#table, place, p, query, found)) return 1;
    }
    return 0;
  }

  add(p: Packet, query: SetQuery): boolean {
    for (const member of this.#live(p)) {
      if (addToSet(member, p, query)) return true;
    }
    return true;
  }

  del(p: Packet, query: SetQuery): boolean {
    for (const member of this.#live(p)) {
      if (deleteFromSet(member, p, query)) return true;
    }
    return true;
  }

  addText(text: string, extensions: ElementExtensions, exist: boolean): void {
    const member = this.#registry.get(text);
    if (member === undefined) {
      throw new SetFault('Set to be added/deleted/tested as element does not exist.', { word: text });
    }
    if (member.typeName === this.typeName) {
      throw new SetFault('Sets with list:set type cannot be added to the set.', { word: text });
    }
    const { before, after } = extensions;
    const reference = before ?? after;
    const at = reference === undefined ? -1 : this.#list.findIndex(({ name }) => name === reference);
    if (reference !== undefined && this.#registry.get(reference) === undefined) {
      throw new SetFault("The set to which you referred with 'before' or 'after' does not exist.", {
        word: reference,
      });
    }
    if (reference !== undefined && at < 0) {
      throw new SetFault("The set to which you referred with 'before' or 'after' is not added to the set.", {
        word: reference,
      });
    }
    const known = this.#places.get(member);
    if (known !== undefined) {
      if (!exist) throw new SetFault(ALREADY_ADDED, { word: text });
      storeExtensions(this.#table, known, extensions, this.options);
      return;
    }
    const place = this.#table.insert(Int32Array.of(this.#added++));
    storeExtensions(this.#table, place, extensions, this.options);
    this.#places.set(member, place);
    if (reference === undefined) this.#list.push(member);
    else this.#list.splice(before === undefined ? at + 1 : at, 0, member);
  }

  delText(text: string, exist: boolean): void {
    const at = this.#list.findIndex(({ name }) => name === text);
    if (at < 0 && exist) return;
    if (at < 0) throw new SetFault(NOT_ADDED, { word: text });
    const [member] = this.#list.splice(at, 1);
    this.#table.remove(this.#places.get(member!)!);
    this.#places.delete(member!);
  }

  /** In the order in which they are asked. */
  elements(timeNs: number): string[] {
    return this.#list.flatMap((member) => {
      const place = this.#places.get(member)!;
      if (this.options.timeoutSeconds !== undefined && isExpired(this.#table, place, timeNs)) return [];
      return [member.name + formatExtensions(this.#table, place, this.options, timeNs, false)];
    });
  }

  flush(): void {
    for (const { name } of [...this.#list]) this.delText(name, false);
  }

  #live(p: Packet): IpSet[] {
    if (this.options.timeoutSeconds === undefined) return this.#list;
    return this.#list.filter((member) => !isExpired(this.#table, this.#places.get(member)!, p.timeNs));
  }

  /** "Don't lookup sub-counters at all"; and count them only when the rule does not forbid it. */
  #subQueryOf(query: SetQuery): SetQuery {
    let sub = this.#subQueries.get(query);
    if (sub === undefined) {
      const updateCounters = query.updateCounters && query.updateSubcounters;
      sub = { ...query, packets: undefined, bytes: undefined, updateCounters };
      this.#subQueries.set(query, sub);
    }
    return sub;
  }
}
