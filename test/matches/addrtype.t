:INPUT
-m addrtype --src-type LOCAL ; = ; OK ; ADDRTYPE match src-type LOCAL
-m addrtype --dst-type LOCAL ; = ; OK ; ADDRTYPE match dst-type LOCAL
-m addrtype ! --dst-type LOCAL ; = ; OK ; ADDRTYPE match dst-type !LOCAL
-m addrtype --src-type UNICAST,LOCAL --dst-type BROADCAST,MULTICAST ; = ; OK ; ADDRTYPE match src-type UNICAST,LOCAL dst-type BROADCAST,MULTICAST
-m addrtype --src-type unicast ; -m addrtype --src-type UNICAST ; OK ; ADDRTYPE match src-type UNICAST
-m addrtype --src-type UNSPEC,UNICAST,LOCAL,BROADCAST,ANYCAST,MULTICAST,BLACKHOLE,UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE ; = ; OK ; ADDRTYPE match src-type UNSPEC,UNICAST,LOCAL,BROADCAST,ANYCAST,MULTICAST,BLACKHOLE,UNREACHABLE,PROHIBIT,THROW,NAT,XRESOLVE
-m addrtype ! --src-type LOCAL ! --dst-type LOCAL --limit-iface-in ; = ; OK ; ADDRTYPE match src-type !LOCAL dst-type !LOCAL limit-in
-m addrtype --dst-type LOCAL --limit-iface-in ; = ; OK ; ADDRTYPE match dst-type LOCAL limit-in
-m addrtype --dst-type UNI ; -m addrtype --dst-type UNICAST ; OK ; ADDRTYPE match dst-type UNICAST
-m addrtype --dst-type UN ; -m addrtype --dst-type UNSPEC ; OK ; ADDRTYPE match dst-type UNSPEC
-m addrtype ;  ; FAIL addrtype: you must specify --src-type or --dst-type
-m addrtype --limit-iface-in ;  ; FAIL addrtype: you must specify --src-type or --dst-type
-m addrtype --dst-type LOCAL --limit-iface-out ;  ; KERNEL xt_addrtype: output interface limitation not valid in PREROUTING and INPUT
-m addrtype --dst-type LOCAL --limit-iface-in --limit-iface-out ;  ; FAIL addrtype: option "--limit-iface-in" cannot be used together with "--limit-iface-out".
-m addrtype --dst-type FOO ;  ; FAIL addrtype: bad type "FOO"
-m addrtype --dst-type LOCAL,FOO ;  ; FAIL addrtype: bad type "FOO"
-m addrtype --dst-type "" ;  ; FAIL addrtype: bad type ""
-m addrtype --dst-type LOCAL, ;  ; FAIL addrtype: bad type ""
-m addrtype --dst-type LOCAL --dst-type LOCAL ;  ; FAIL addrtype: option "--dst-type" can only be used once.
-m addrtype ! --limit-iface-in --dst-type LOCAL ;  ; FAIL addrtype: option "--limit-iface-in" cannot be inverted.
:OUTPUT
-m addrtype --dst-type LOCAL --limit-iface-out ; = ; OK ; ADDRTYPE match dst-type LOCAL limit-out
-m addrtype --dst-type LOCAL --limit-iface-in ;  ; KERNEL xt_addrtype: input interface limitation not valid in POSTROUTING and OUTPUT
:FORWARD
-m addrtype --dst-type LOCAL --limit-iface-in ; = ; OK ; ADDRTYPE match dst-type LOCAL limit-in
-m addrtype --dst-type LOCAL --limit-iface-out ; = ; OK ; ADDRTYPE match dst-type LOCAL limit-out
%6
:INPUT
-m addrtype --dst-type LOCAL ; = ; OK ; ADDRTYPE match dst-type LOCAL
-m addrtype --dst-type BLACKHOLE ;  ; KERNEL xt_addrtype: ipv6 BLACKHOLE matching not supported
-m addrtype --dst-type PROHIBIT ;  ; KERNEL xt_addrtype: ipv6 PROHIBIT (THROW, NAT ..) matching not supported
-m addrtype --dst-type THROW ;  ; KERNEL xt_addrtype: ipv6 PROHIBIT (THROW, NAT ..) matching not supported
-m addrtype --dst-type BROADCAST ;  ; KERNEL xt_addrtype: ipv6 does not support BROADCAST matching
-m addrtype --dst-type ANYCAST,UNREACHABLE,MULTICAST,UNSPEC,UNICAST ; -m addrtype --dst-type UNSPEC,UNICAST,ANYCAST,MULTICAST,UNREACHABLE ; OK ; ADDRTYPE match dst-type UNSPEC,UNICAST,ANYCAST,MULTICAST,UNREACHABLE
-m addrtype --src-type LOCAL ! --dst-type MULTICAST --limit-iface-in ; = ; OK ; ADDRTYPE match src-type LOCAL dst-type !MULTICAST limit-in
