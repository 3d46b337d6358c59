import { hopCountMatch } from './hop-count.ts';

/** `-m hl`: the IPv6 hop limit. Linux: net/netfilter/xt_hl.c, hl_mt6(). */
export const hl = hopCountMatch('hl', 6, "HL match: You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'");
