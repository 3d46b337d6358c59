%6
*mangle
:POSTROUTING
-j SNPT --src-pfx fd00::/8 --dst-pfx 2001:db8::/48 ; = ; OK ; SNPT src-pfx fd00::/8 dst-pfx 2001:db8::/48
-j SNPT --src-pfx ::/0 --dst-pfx ::/0 ; -j SNPT ; OK ; SNPT src-pfx ::/0 dst-pfx ::/0
-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::/64 ; = ; OK ; SNPT src-pfx fd00::/64 dst-pfx 2001:db8::/64
-j SNPT --src-pfx fd00::/65 --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: prefixes are of 64 bits at most
-j SNPT --src-pfx fd00:: --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: prefixes are of 64 bits at most
-j SNPT --src-pfx fd00::5/64 --dst-pfx 2001:db8::/48 ;  ; KERNEL ip6t_NPT: a prefix has bits behind its length
-j SNPT --src-pfx fd00::/64 --dst-pfx 2001:db8::1/48 ;  ; KERNEL ip6t_NPT: a prefix has bits behind its length
-j SNPT --src-pfx fd00::/ffff:: --dst-pfx 2001:db8::/48 ; -j SNPT --src-pfx fd00::/16 --dst-pfx 2001:db8::/48 ; OK ; SNPT src-pfx fd00::/16 dst-pfx 2001:db8::/48
-j SNPT --src-pfx fd00::/64 ;  ; FAIL SNPT: option "--dst-pfx" must be specified
-j SNPT --dst-pfx fd00::/64 ;  ; FAIL SNPT: option "--src-pfx" must be specified
-j SNPT ! --src-pfx fd00::/64 --dst-pfx 2001:db8::/48 ;  ; FAIL SNPT: option "--src-pfx" cannot be inverted.
-j SNPT --src-pfx fd00::/x --dst-pfx 2001:db8::/48 ;  ; FAIL SNPT: bad value for option "--src-pfx", neither a valid network mask nor valid CIDR (0-128).
:INPUT
-j SNPT --src-pfx fd00::/8 --dst-pfx 2001:db8::/48 ; = ; OK ; SNPT src-pfx fd00::/8 dst-pfx 2001:db8::/48
