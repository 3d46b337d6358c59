import { hopCountMatch } from './hop-count.ts';

/** `-m ttl`: the IPv4 time to live. Linux: net/netfilter/xt_hl.c, ttl_mt(). */
export const ttl = hopCountMatch(
  'ttl',
  4,
  "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt",
);
