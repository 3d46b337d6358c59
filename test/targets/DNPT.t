%6
*mangle
:PREROUTING
-j DNPT --src-pfx fd00::/8 --dst-pfx 2001:db8::/48 ; = ; OK ; DNPT src-pfx fd00::/8 dst-pfx 2001:db8::/48
-j DNPT --src-pfx ::/0 --dst-pfx ::/0 ; -j DNPT ; OK ; DNPT src-pfx ::/0 dst-pfx ::/0
-j DNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64 ; = ; OK ; DNPT src-pfx fd00::/64 dst-pfx 2001:db8::/64
-j DNPT --src-pfx fd00::/65 --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: prefixes are of 64 bits at most
-j DNPT --src-pfx fd00:: --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: prefixes are of 64 bits at most
-j DNPT --src-pfx fd00::5/64 --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: a prefix has bits behind its length
-j DNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::1/48 ;  ; KERNEL ip6t_NPT: a prefix has bits behind its length
-j DNPT --src-pfx fd00::/ffff:: --dst-pfx 2001:db8::/48 ; -j DNPT --src-pfx fd00::/16 --dst-pfx 2001:db8::/48 ; OK ; DNPT src-pfx fd00::/16 dst-pfx 2001:db8::/48
-j DNPT --src-pfx fd00::/64 ;  ; FAIL DNPT: option "--dst-pfx" must be specified
-j DNPT --dst-pfx fd00::/64 ;  ; FAIL DNPT: option "--src-pfx" must be specified
-j DNPT ! --src-pfx fd00::/64 --dst-pfx 2001:db8::/48 ;  ; FAIL DNPT: option "--src-pfx" cannot be inverted.
-j DNPT --src-pfx fd00::/x --dst-pfx 2001:db8::/48 ;  ; FAIL DNPT: bad value for option "--src-pfx", neither a valid network mask nor valid CIDR (0-128).
:OUTPUT
-j DNPT --src-pfx fd00::/8 --dst-pfx 2001:db8::/48 ; = ; OK ; DNPT src-pfx fd00::/8 dst-pfx 2001:db8::/48
