/**
 * What people give in place of an iptables-save dump, by how it begins; bytes that are no UTF-8 have been read as U+FFFD.
 * iptables-restore says of all of them no more than "line 1 failed".
 */
const KINDS: readonly (readonly [begin: RegExp | string, remedy: string])[] = [
  ['\u001f\ufffd\b', 'It is compressed with gzip: unpack it first (gzip -d).'],
  ['(\ufffd/\ufffd', 'It is compressed with zstd: unpack it first (unzstd).'],
  [/^(\ufffd\ufffd)?[^\0]\0[^\0]\0/, 'It is UTF-16: convert it first (iconv -f UTF-16 -t UTF-8).'],
  [
    /^(\ufffd\u00f2\ufffd|\ufffd{4}|M<\ufffd\ufffd|\ufffd\ufffd<M|\n\r\r\n)/,
    'It is a capture: captures stand behind the options, --rules takes what iptables-save prints.',
  ],
  [/^[^\n]{0,200}[\0\ufffd]/, 'It is no text.'],
  [
    /^Chain \S+ \(/,
    'It is what iptables -L prints, which leaves much out: give what iptables-save -c prints.',
  ],
  [
    /^-(P \S+ \S|N \S|A \S+ -)/,
    'It is what iptables -S prints: give what iptables-save -c prints, with all tables.',
  ],
  [
    /^(#!\S*nft\b|#!.* nft\b|(add )?table (ip|ip6|inet) \S|flush ruleset|\{\s*"nftables")/,
    'It is a ruleset of nft: where iptables-nft made it, give what iptables-save -c prints.',
  ],
  [
    /^(#!.*sh\b|(sudo )?(\S*\/)?ip6?tables(-legacy|-nft)? -)/,
    'It is a script: run it where it harms nobody (unshare -n), and give what iptables-save -c prints then.',
  ],
  [/^(create|add) \S+ \S/, 'It is what ipset save prints: give it to --ipset.'],
];

/** What to do about a text that begins with no table; undefined when it is of no kind that is known. */
export function remedyOfOtherKind(text: string): string | undefined {
  const begin = text.replace(/^\ufeff?(\s|#(?!!).*\n)*/, '');
  const isOf = (kind: RegExp | string, one: string) =>
    typeof kind === 'string' ? one.startsWith(kind) : kind.test(one);
  return KINDS.find(([kind]) => isOf(kind, text) || isOf(kind, begin))?.[1];
}
