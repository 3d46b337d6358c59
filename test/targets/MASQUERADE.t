*nat
:POSTROUTING
-j MASQUERADE ; = ; OK ;  
:PREROUTING
-j MASQUERADE ;  ; KERNEL x_tables: ip_tables: MASQUERADE target: used from hooks PREROUTING, but only usable from POSTROUTING
:OUTPUT
-j MASQUERADE ;  ; KERNEL x_tables: ip_tables: MASQUERADE target: used from hooks OUTPUT, but only usable from POSTROUTING
:POSTROUTING
-j MASQUERADE --to-ports 5 ;  ; FAIL Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j MASQUERADE --to-ports 5 ; = ; OK ; masq ports: 5
-p tcp -j MASQUERADE --to-ports 5-10 ; = ; OK ; masq ports: 5-10
-p tcp -j MASQUERADE --to-ports 10-5 ;  ; FAIL Port range `5' funky
-p tcp -j MASQUERADE --to-ports 5- ;  ; FAIL Port `' not valid
-p tcp -j MASQUERADE --to-ports http ; -p tcp -j MASQUERADE --to-ports 80 ; OK ; masq ports: 80
-p tcp -j MASQUERADE --to-ports 65536 ;  ; FAIL Port `65536' not valid
-p tcp -j MASQUERADE --to-ports 0 ; = ; OK ; masq ports: 0
-p tcp -j MASQUERADE --to-ports 5:10 ;  ; FAIL Invalid port:port syntax - use dash
-p icmp -j MASQUERADE --to-ports 5 ; = ; OK ; masq ports: 5
-p tcp -j MASQUERADE --to-ports 5-10/7 ; -p tcp -j MASQUERADE --to-ports 5-10/0 ; OK ; masq ports: 5-10/0
-j MASQUERADE --random ; = ; OK ; random
-j MASQUERADE --random-fully ; = ; OK ; random-fully
-p tcp -j MASQUERADE --random-fully --random --to-ports 5-10 ; -p tcp -j MASQUERADE --to-ports 5-10 --random --random-fully ; OK ; masq ports: 5-10 random random-fully
-j MASQUERADE --persistent ;  ; FAIL unknown option "--persistent"
-j MASQUERADE --random --random ;  ; FAIL MASQUERADE: option "--random" can only be used once.
%6
-p tcp -j MASQUERADE --to-ports 5-7 --random ; = ; OK ; masq ports: 5-7 random
-j MASQUERADE ; = ; OK ;  
