import { hashIp } from './hash-ip.ts';
import { hashIpMac } from './hash-ip-mac.ts';
import { hashIpMark } from './hash-ip-mark.ts';
import { hashIpPort } from './hash-ip-port.ts';
import { hashIpPortIp } from './hash-ip-port-ip.ts';
import { hashIpPortNet } from './hash-ip-port-net.ts';
import { hashMac } from './hash-mac.ts';
import { hashNet } from './hash-net.ts';
import { hashNetIface } from './hash-net-iface.ts';
import { hashNetNet } from './hash-net-net.ts';
import { hashNetPort } from './hash-net-port.ts';
import { hashNetPortNet } from './hash-net-port-net.ts';
import type { HashType } from './hash-type.ts';

/** Every hash type: one line each, in alphabetical order. */
const HASH_TYPES: readonly HashType[] = [
  hashIp,
  hashIpMac,
  hashIpMark,
  hashIpPort,
  hashIpPortIp,
  hashIpPortNet,
  hashMac,
  hashNet,
  hashNetIface,
  hashNetNet,
  hashNetPort,
  hashNetPortNet,
];

const byName = new Map(HASH_TYPES.map((type) => [type.name, type]));

export function findHashType(name: string): HashType | undefined {
  return byName.get(name);
}

export const BITMAP_TYPES = ['bitmap:ip', 'bitmap:ip,mac', 'bitmap:port'] as const;
export type BitmapTypeName = (typeof BITMAP_TYPES)[number];

export function isBitmapType(name: string): name is BitmapTypeName {
  return (BITMAP_TYPES as readonly string[]).includes(name);
}

/** Names of ipset 4 and 5 that ipset still takes (the aliases of lib/ipset_*.c). */
const ALIASES: Readonly<Record<string, string>> = {
  iphash: 'hash:ip',
  nethash: 'hash:net',
  ipporthash: 'hash:ip,port',
  ipportiphash: 'hash:ip,port,ip',
  ipportnethash: 'hash:ip,port,net',
  netporthash: 'hash:net,port',
  netifacehash: 'hash:net,iface',
  netnethash: 'hash:net,net',
  netportnethash: 'hash:net,port,net',
  ipmarkhash: 'hash:ip,mark',
  machash: 'hash:mac',
  ipmap: 'bitmap:ip',
  macipmap: 'bitmap:ip,mac',
  portmap: 'bitmap:port',
  setlist: 'list:set',
};

export function canonicalTypeName(name: string): string {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name;
}
