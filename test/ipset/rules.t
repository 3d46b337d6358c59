# Rules that name sets, as test/matches/*.t; the sets are those of rules.test.ts. LIBIPTC stands for what iptables
# refuses while it reads the rule and we when the sets are bound to the rules.
*mangle
-m set --match-set nosuch src ;  ; LIBIPTC Set nosuch doesn't exist.
-m set --match-set ip6 src ;  ; LIBIPTC The protocol family of set ip6 is IPv6, which is not applicable.
-m set --match-set ip4 src ; = ; OK ; match-set ip4 src
-m set ! --match-set ip4 src ; = ; OK ; ! match-set ip4 src
-m set --match-set port src ; = ; OK ; match-set port src
-m set --match-set list src,dst ; = ; OK ; match-set list src,dst
-m set --match-set ip4 source ;  ; FAIL You must spefify (the comma separated list of) 'src' or 'dst'.
-m set --match-set ip4 src, ;  ; FAIL You must spefify (the comma separated list of) 'src' or 'dst'.
-m set --match-set ip4 src,,dst ;  ; FAIL You must spefify (the comma separated list of) 'src' or 'dst'.
-m set --match-set ip4 src,dst,src,dst,src,dst ; = ; OK ; match-set ip4 src,dst,src,dst,src,dst
-m set --match-set ip4 src,dst,src,dst,src,dst,src ;  ; FAIL Can't be more src/dst options than 6.
-m set --match-set ip4 src --match-set net4 src ;  ; FAIL --match-set can be specified only once
-m set --match-set ip4 src -m set --match-set net4 dst ; = ; OK ; match-set ip4 src match-set net4 dst
-m set --set ip4 src ; -m set --match-set ip4 src ; OK ; match-set ip4 src
-m set --match-set net4 src --return-nomatch ; = ; OK ; match-set net4 src return-nomatch
-m set --match-set ip4 src ! --update-counters ; = ; OK ; match-set ip4 src ! update-counters
-m set --match-set ip4 src --update-counters ; -m set --match-set ip4 src ; OK ; match-set ip4 src
-m set --match-set ip4 src ! --update-subcounters ; = ; OK ; match-set ip4 src ! update-subcounters
-m set --match-set ip4 src ! --packets-eq 5 --bytes-gt 6 ; = ; OK ; match-set ip4 src ! packets-eq 5 bytes-gt 6
-m set --match-set ip4 src --packets-eq 0x10 --bytes-lt 18446744073709551615 ; -m set --match-set ip4 src --packets-eq 16 --bytes-lt 18446744073709551615 ; OK ; match-set ip4 src packets-eq 16 bytes-lt 18446744073709551615
-m set --match-set ip4 src --return-nomatch ! --update-counters ! --update-subcounters --packets-gt 1 ! --bytes-eq 7 ; = ; OK ; match-set ip4 src return-nomatch ! update-counters ! update-subcounters packets-gt 1 ! bytes-eq 7
-j SET --add-set nosuch src ;  ; LIBIPTC Set nosuch doesn't exist.
-j SET --del-set ip6 src ;  ; LIBIPTC The protocol family of set ip6 is IPv6, which is not applicable.
-j SET --add-set ip4 src ; = ; OK ; add-set ip4 src
-j SET --add-set ip4 src --del-set ip4 dst ; = ; OK ; add-set ip4 src del-set ip4 dst
-j SET --add-set ip4 src --exist --timeout 10 ; = ; OK ; add-set ip4 src exist timeout 10
-j SET --exist --add-set ip4 src ; -j SET --add-set ip4 src --exist ; OK ; add-set ip4 src exist
-j SET --add-set ip4 src --timeout 0 ; = ; OK ; add-set ip4 src timeout 0
-j SET --add-set ip4 src --timeout 4294967294 ; = ; OK ; add-set ip4 src timeout 4294967294
-j SET --add-set ip4 src --timeout 5 --timeout 6 ; -j SET --add-set ip4 src --timeout 6 ; OK ; add-set ip4 src timeout 6
-j SET --del-set ip4 src --exist ;  ; FAIL Flag `--exist' can be used with `--add-set' only
-j SET --del-set ip4 src --timeout 10 ;  ; FAIL Option `--timeout' can be used with `--add-set' only
-j SET --map-set ip4 src ;  ; FAIL You must specify flags `--map-mark' or '--map-prio` or `--map-queue'
-j SET --add-set ip4 src --map-mark ;  ; FAIL Flag `--map-mark' can be used with `--map-set' only
-j SET --add-set ip4 src --map-prio ;  ; FAIL Flag `--map-prio' can be used with `--map-set' only
-j SET --add-set ip4 src --map-queue ;  ; FAIL Flag `--map-queue' can be used with `--map-set' only
-j SET --map-set ip4 src --map-mark ; = ; OK ; map-set ip4 src map-mark
-j SET ! --add-set ip4 src ; -j SET --add-set ip4 src ; OK ; add-set ip4 src
-j SET --add-set ip4 src --add-set ip4 dst ;  ; FAIL --add-set can be specified only once
-j SET --add-set ip4 src,dst,src,dst,src,dst,src ;  ; FAIL Can't be more src/dst options than 6.
-j SET --add-set ip4 src --del-set net4 dst --map-set ip4 src --map-mark --exist --timeout 5 ; -j SET --add-set ip4 src --exist --timeout 5 --del-set net4 dst --map-set ip4 src --map-mark ; OK ; add-set ip4 src exist timeout 5 del-set net4 dst map-set ip4 src map-mark
-j SET --map-set ip4 src --map-mark --map-prio ;  ; KERNEL mapping of prio or/and queue is allowed only from OUTPUT/FORWARD/POSTROUTING chains
:FORWARD
-j SET --map-set ip4 src --map-mark --map-prio --map-queue ; = ; OK ; map-set ip4 src map-mark map-prio map-queue
*filter
-j SET --map-set ip4 src --map-mark ;  ; KERNEL --map-set only usable from mangle table
*mangle
%6
-m set --match-set ip6 dst ; = ; OK ; match-set ip6 dst
-m set --match-set ip4 dst ;  ; LIBIPTC The protocol family of set ip4 is IPv4, which is not applicable.
-m set --match-set list dst ; = ; OK ; match-set list dst
-m set --match-set ports dst ; = ; OK ; match-set ports dst
