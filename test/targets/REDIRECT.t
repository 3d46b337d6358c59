*nat
:PREROUTING
-j REDIRECT ; = ; OK ;  
:OUTPUT
-j REDIRECT ; = ; OK ;  
:POSTROUTING
-j REDIRECT ;  ; KERNEL x_tables: ip_tables: REDIRECT target: used from hooks POSTROUTING, but only usable from PREROUTING/OUTPUT
:INPUT
-j REDIRECT ;  ; KERNEL x_tables: ip_tables: REDIRECT target: used from hooks INPUT, but only usable from PREROUTING/OUTPUT
:PREROUTING
-j REDIRECT --to-ports 80 ;  ; FAIL Need TCP, UDP, SCTP or DCCP with port specification
-p tcp -j REDIRECT --to-ports 80 ; = ; OK ; redir ports 80
-p tcp -j REDIRECT --to-ports 80-90 ; = ; OK ; redir ports 80-90
-p tcp -j REDIRECT --to-ports 90-80 ;  ; FAIL Port range `80' funky
-p tcp -j REDIRECT --to-ports http ; -p tcp -j REDIRECT --to-ports 80 ; OK ; redir ports 80
-p tcp -j REDIRECT --to-ports https-http ;  ; FAIL Port `https-http' not valid
-p tcp -j REDIRECT --to-ports http-https ;  ; FAIL Port `http-https' not valid
-p tcp -j REDIRECT --to-ports 80x ;  ; FAIL Garbage after port value: `x'
-p tcp -j REDIRECT --to-ports 80-90/5 ;  ; FAIL Shifted portmap ranges not supported with this kernel
-p tcp -j REDIRECT --to-ports 0 ; = ; OK ; redir ports 0
-p tcp -j REDIRECT --to-ports 65536 ;  ; FAIL Port `65536' not valid
-p tcp -j REDIRECT --to-ports "" ;  ; FAIL Port `' not valid
-p tcp -j REDIRECT --to-port 80 ; -p tcp -j REDIRECT --to-ports 80 ; OK ; redir ports 80
-p tcp -j REDIRECT --random ; = ; OK ; random
-p tcp -j REDIRECT --to-ports 80 --random ; = ; OK ; redir ports 80 random
-p icmp -j REDIRECT --to-ports 80 ; = ; OK ; redir ports 80
-p tcp -j REDIRECT --persistent ;  ; FAIL unknown option "--persistent"
-p tcp -j REDIRECT --to-ports ftp-data ; -p tcp -j REDIRECT --to-ports 20 ; OK ; redir ports 20
-p tcp -j REDIRECT --to-ports 20-ftp-data ;  ; FAIL Port `ftp-data' not valid
-p tcp -j REDIRECT --to-ports 5-http ;  ; FAIL Port `http' not valid
-p tcp -j REDIRECT --to-ports 0x50 ; -p tcp -j REDIRECT --to-ports 80 ; OK ; redir ports 80
-p tcp -j REDIRECT --to-ports 5:6 ;  ; FAIL Invalid port:port syntax - use dash
-p tcp -j REDIRECT --to-ports 5-6-7 ;  ; FAIL Garbage after port range: `-7'
-p tcp -j REDIRECT ! --to-ports 5 ;  ; FAIL REDIRECT: option "--to-ports" cannot be inverted.
%6
-p tcp -j REDIRECT --to-ports 5-7 --random ; = ; OK ; redir ports 5-7 random
