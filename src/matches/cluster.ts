import { jhash2, reciprocalScale, swapBytes } from '../base/jhash.ts';
import { defineMatch } from '../extension/define.ts';
import { defineSyntax } from '../extension/syntax.ts';
import { uint32 } from '../extension/values.ts';
import { type ConntrackAccess, IPS_TEMPLATE, TUPLE_SADDR } from '../packet/conntrack-access.ts';
import type { Packet } from '../packet/packet.ts';
import { R_CT, R_DADDR, R_FAMILY, R_PKT_TYPE } from '../packet/registers.ts';

interface ClusterOptions {
  readonly totalNodes: number;
  /** A bit a node; unsigned. */
  readonly nodeMask: number;
  readonly seed: number;
  readonly inverted: boolean;
}

/** XT_CLUSTER_NODES_MAX. */
const MAX_NODES = 32;
const PACKET_HOST = 0;
const PACKET_MULTICAST = 2;

/** What jhash2() is asked of: the words of one address. */
const hashed = new Int32Array(1);

/**
 * `-m cluster`: the connection's original source address falls to one of these nodes of a cluster. Linux:
 * net/netfilter/xt_cluster.c, xt_cluster_mt(), xt_cluster_hash(); include/linux/jhash.h, jhash_1word().
 */
export const cluster = defineMatch<ClusterOptions, ConntrackAccess>({
  name: 'cluster',
  families: [4, 6],
  bringsConntrack: true,
  // It changes the type of a packet that came to a multicast hardware address, even where the rule does not match.
  scope: 'global',
  reads: ['ct', 'daddr', 'pktType'],
  syntax: defineSyntax({
    options: {
      '--cluster-total-nodes': uint32({ mandatory: true, min: 1, max: MAX_NODES }),
      '--cluster-local-node': uint32({
        invertible: true,
        min: 1,
        max: MAX_NODES,
        excludes: ['--cluster-local-nodemask'],
      }),
      '--cluster-local-nodemask': uint32({
        invertible: true,
        min: 1,
        max: MAX_NODES,
        excludes: ['--cluster-local-node'],
      }),
      '--cluster-hash-seed': uint32({ mandatory: true }),
    },
    finalCheck: (v, rule) => {
      if (v['--cluster-local-node'] === undefined && v['--cluster-local-nodemask'] === undefined) {
        rule.fail("cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing");
      }
    },
    build: (v, rule): ClusterOptions => {
      const totalNodes = v['--cluster-total-nodes']!.value;
      const node = v['--cluster-local-node'];
      const mask = v['--cluster-local-nodemask'];
      const nodeMask = node === undefined ? mask!.value : (1 << (node.value - 1)) >>> 0;
      if (nodeMask >= 2 ** totalNodes) {
        rule.fail(
          node === undefined
            ? "cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'"
            : "cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'",
        );
      }
      return {
        totalNodes,
        nodeMask,
        seed: v['--cluster-hash-seed']!.value,
        inverted: (node ?? mask)!.inverted,
      };
    },
    save: (o) =>
      `${o.inverted ? ' !' : ''} --cluster-local-nodemask ${hex8(o.nodeMask)} --cluster-total-nodes ${o.totalNodes} --cluster-hash-seed ${hex8(o.seed)}`,
    list: (o) =>
      `cluster ${o.inverted ? '!' : ''}node_mask=${hex8(o.nodeMask)} total_nodes=${o.totalNodes} hash_seed=${hex8(o.seed)}`,
  }),
  prepare: (_, environment) => environment.conntrack,
  evaluate: (o, p, conntrack) => {
    if (!isMulticast(p) && p.r[R_PKT_TYPE] === PACKET_MULTICAST) p.r[R_PKT_TYPE] = PACKET_HOST;
    const ct = p.r[R_CT]!;
    if (ct < 0) return false;
    const isTemplate = (conntrack.status(ct) & IPS_TEMPLATE) !== 0;
    // Of an IPv6 address too only the first word is hashed: NF_CT_TUPLE_L3SIZE counts words, where bytes are meant.
    hashed[0] = isTemplate ? 0 : swapBytes(conntrack.words[conntrack.tupleAt(ct, 0) + TUPLE_SADDR]!);
    const node = reciprocalScale(jhash2(hashed, 0, 1, o.seed), o.totalNodes);
    return ((o.nodeMask >>> node) & 1) !== (o.inverted ? 1 : 0);
  },
});

function isMulticast(p: Packet): boolean {
  return p.r[R_FAMILY] === 4 ? p.r[R_DADDR]! >>> 28 === 14 : p.r[R_DADDR]! >>> 24 === 0xff;
}

function hex8(value: number): string {
  return `0x${(value >>> 0).toString(16).padStart(8, '0')}`;
}
