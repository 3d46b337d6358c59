import type { Family } from '../base/inet.ts';
import type { PartKind } from './parts.ts';

/** A hash:* type: struct ip_set_type and what its C file says beyond ip_set_hash_gen.h. */
export interface HashType {
  readonly name: string;
  readonly parts: readonly PartKind[];
  /** The type has a family of its own to be given (`family inet6`); hash:mac has none. */
  readonly families: readonly (Family | 0)[];
  /** An address of zeros cannot be an element. */
  readonly refusesZero: boolean;
  /** `netmask` and `bitmask` can be given. */
  readonly takesMask: boolean;
  /** A prefix length of 0 can be given: IP_SET_HASH_WITH_NET0. */
  readonly takesNet0: boolean;
}

export function defineHashType(type: Pick<HashType, 'name' | 'parts'> & Partial<HashType>): HashType {
  return { families: [4, 6], refusesZero: false, takesMask: false, takesNet0: false, ...type };
}
