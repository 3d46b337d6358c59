*nat
:PREROUTING
-j NETMAP ;  ; FAIL NETMAP: option "--to" must be specified
-j NETMAP --to 1.2.3.0/24 ; = ; OK ; to:1.2.3.0/24
-j NETMAP --to 1.2.3.4 ; -j NETMAP --to 1.2.3.4/32 ; OK ; to:1.2.3.4/32
-j NETMAP --to 1.2.3.4/32 ; = ; OK ; to:1.2.3.4/32
-j NETMAP --to 1.2.3.4/24 ; -j NETMAP --to 1.2.3.0/24 ; OK ; to:1.2.3.0/24
-j NETMAP --to 1.2.3.0/255.255.255.0 ; -j NETMAP --to 1.2.3.0/24 ; OK ; to:1.2.3.0/24
-j NETMAP --to 1.2.3.0/255.0.255.0 ; -j NETMAP --to 1.2.3.0/32 ; OK ; to:1.2.3.0/32
-j NETMAP --to 1.2.3.0/33 ; -j NETMAP --to 1.2.3.0/32 ; OK ; to:1.2.3.0/32
-j NETMAP --to 0.0.0.0/0 ; = ; OK ; to:0.0.0.0/0
-j NETMAP --to 1.2.3.0/0 ; -j NETMAP --to 0.0.0.0/0 ; OK ; to:0.0.0.0/0
:POSTROUTING
-j NETMAP --to 1.2.3.0/24 ; = ; OK ; to:1.2.3.0/24
:OUTPUT
-j NETMAP --to 1.2.3.0/24 ; = ; OK ; to:1.2.3.0/24
:INPUT
-j NETMAP --to 1.2.3.0/24 ; = ; OK ; to:1.2.3.0/24
:FOO
-j NETMAP --to 1.2.3.0/24 ; = ; OK ; to:1.2.3.0/24
:PREROUTING
-j NETMAP --to 1.2.3.0/x ;  ; FAIL NETMAP: bad value for option "--to", neither a valid network mask nor valid CIDR (0-32).
-j NETMAP --to 1.2.3.0/ ;  ; FAIL NETMAP: bad value for option "--to", neither a valid network mask nor valid CIDR (0-32).
-j NETMAP --to 1.2.3 ; -j NETMAP --to 1.2.0.3/32 ; OK ; to:1.2.0.3/32
-j NETMAP ! --to 1.2.3.0/24 ;  ; FAIL NETMAP: option "--to" cannot be inverted.
-j NETMAP --to 1.2.3.0/24 --to 1.2.3.0/24 ;  ; FAIL NETMAP: option "--to" can only be used once.
-j NETMAP --to :80 ;  ; FAIL getaddrinfo: Name or service not known
%6
-j NETMAP --to 2001:db8::/64 ; = ; OK ; to:2001:db8::/64
-j NETMAP --to 2001:db8::1 ; -j NETMAP --to 2001:db8::1/128 ; OK ; to:2001:db8::1/128
-j NETMAP --to 2001:db8::1/64 ; -j NETMAP --to 2001:db8::/64 ; OK ; to:2001:db8::/64
-j NETMAP --to 2001:db8::/ffff:ffff:: ; -j NETMAP --to 2001:db8::/32 ; OK ; to:2001:db8::/32
-j NETMAP --to 2001:db8::/ffff:0:ffff:: ; -j NETMAP --to 2001:db8::/128 ; OK ; to:2001:db8::/128
