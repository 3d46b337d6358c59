:FORWARD
-m tcpmss ;  ; FAIL tcpmss: option "--mss" must be specified
-m tcpmss --mss 5 ;  ; KERNEL x_tables: ip_tables: tcpmss match: only valid for protocol 6
-p tcp -m tcpmss ;  ; FAIL tcpmss: option "--mss" must be specified
-p tcp -m tcpmss --mss 5 ; = ; OK ; tcpmss match 5
-p tcp -m tcpmss --mss 5:10 ; = ; OK ; tcpmss match 5:10
-p tcp -m tcpmss ! --mss 5:10 ; = ; OK ; tcpmss match !5:10
-p tcp -m tcpmss --mss 10:5 ;  ; FAIL tcpmss: invalid range given
-p tcp -m tcpmss --mss :5 ; -p tcp -m tcpmss --mss 0:5 ; OK ; tcpmss match 0:5
-p tcp -m tcpmss --mss 5: ; -p tcp -m tcpmss --mss 5:65535 ; OK ; tcpmss match 5:65535
-p tcp -m tcpmss --mss 65536 ;  ; FAIL tcpmss: bad value for option "--mss" near "65536", or out of range (0-65535).
-p tcp -m tcpmss --mss x ;  ; FAIL tcpmss: bad value for option "--mss" near "x", or out of range (0-65535).
-p tcp -m tcpmss --mss 5:5 ; -p tcp -m tcpmss --mss 5 ; OK ; tcpmss match 5
-p tcp -m tcpmss ! --mss 42 ; = ; OK ; tcpmss match !42
-p tcp -m tcpmss --mss 1:2:3 ;  ; FAIL tcpmss: Too many components for option "--mss" (max: 2)
-p tcp -m tcpmss --mss 1 --mss 2 ;  ; FAIL tcpmss: option "--mss" can only be used once.
-p tcp --syn -m tcpmss --mss 1400:1500 ; -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m tcpmss --mss 1400:1500 ; OK ; tcp flags:0x17/0x02 tcpmss match 1400:1500
! -p tcp -m tcpmss --mss 5 ;  ; KERNEL x_tables: ip_tables: tcpmss match: only valid for protocol 6
%6
-p tcp -m tcpmss --mss 5 ; = ; OK ; tcpmss match 5
