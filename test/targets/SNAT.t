*nat
:POSTROUTING
-j SNAT ;  ; FAIL SNAT: option "--to-source" must be specified
-j SNAT --to-source 1.2.3.4 ; = ; OK ; to:1.2.3.4
:INPUT
-j SNAT --to-source 1.2.3.4 ; = ; OK ; to:1.2.3.4
:PREROUTING
-j SNAT --to-source 1.2.3.4 ;  ; KERNEL x_tables: ip_tables: SNAT target: used from hooks PREROUTING, but only usable from INPUT/POSTROUTING
:OUTPUT
-j SNAT --to-source 1.2.3.4 ;  ; KERNEL x_tables: ip_tables: SNAT target: used from hooks OUTPUT, but only usable from INPUT/POSTROUTING
:POSTROUTING
-j SNAT --to-source 1.2.3.4-1.2.3.9 --random --random-fully --persistent ; = ; OK ; to:1.2.3.4-1.2.3.9 random random-fully persistent
-j SNAT --to-source 1.2.3.4 --random-fully ; = ; OK ; to:1.2.3.4 random-fully
-p tcp -j SNAT --to-source 1.2.3.4:1000-2000 ; = ; OK ; to:1.2.3.4:1000-2000
-p tcp -j SNAT --to-source 1.2.3.4:1000-2000/5 ; -p tcp -j SNAT --to-source 1.2.3.4:1000-2000/0 ; OK ; to:1.2.3.4:1000-2000/0
-p tcp -j SNAT --to-source 1.2.3.4:2000-1000 ;  ; FAIL Port range `1000' funky
-p tcp -j SNAT --to-source :1000-2000 ; = ; OK ; to::1000-2000
-p icmp -j SNAT --to-source :1000-2000 ; = ; OK ; to::1000-2000
-j SNAT --to-source :1000-2000 ;  ; FAIL Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j SNAT --to-source 1.2.3.4 --to-source 1.2.3.5 ;  ; FAIL SNAT: option "--to-source" can only be used once.
-p tcp -j SNAT --to-source 1.2.3.9-1.2.3.4 ; = ; OK ; to:1.2.3.9-1.2.3.4
-p tcp -j SNAT --to-source 1.2.3.4/24 ;  ; FAIL Bad IP address "1.2.3.4/24"
-p tcp -j SNAT --to-source 1.2.3.4:http ; -p tcp -j SNAT --to-source 1.2.3.4:80 ; OK ; to:1.2.3.4:80
-p tcp -j SNAT ! --to-source 1.2.3.4 ;  ; FAIL SNAT: option "--to-source" cannot be inverted.
*filter
:FORWARD
-p tcp -j SNAT --to-source 1.2.3.4 ;  ; KERNEL x_tables: ip_tables: SNAT target: only valid in nat table, not filter
*nat
:POSTROUTING
-p tcp -j SNAT --random ;  ; FAIL SNAT: option "--to-source" must be specified
-p tcp -j SNAT --to-source 1.2.3.4:5-10/x ;  ; FAIL Port `x' not valid
-p tcp -j SNAT --to-source 1.2.3.4:5/6 ;  ; FAIL Garbage after port value: `/6'
-p tcp -j SNAT --to-source 1.2.3.4:99999 ;  ; FAIL Port `99999' not valid
-p tcp -j SNAT --to-source ;  ; FAIL option "--to-source" requires an argument
%6
-p tcp -j SNAT --to-source [2001:db8::1]:80-90 ; = ; OK ; to:[2001:db8::1]:80-90
-p tcp -j SNAT --to-source 2001:db8::1 --random-fully ; = ; OK ; to:2001:db8::1 random-fully
