:FORWARD
-m ecn ;  ; FAIL ECN match: some option required
-m ecn --ecn-tcp-cwr ;  ; KERNEL xt_ecn: cannot match TCP bits for non-tcp packets
-p tcp -m ecn --ecn-tcp-cwr ; = ; OK ; ECN match CWR
-p tcp -m ecn ! --ecn-tcp-cwr ; = ; OK ; ECN match !CWR
-p tcp -m ecn --ecn-tcp-ece ; = ; OK ; ECN match ECE
-p tcp -m ecn ! --ecn-tcp-ece --ecn-tcp-cwr ; = ; OK ; ECN match !ECE CWR
-p tcp -m ecn --ecn-ip-ect 1 ; = ; OK ; ECN match ECT=1
-m ecn --ecn-ip-ect 0 ; = ; OK ; ECN match ECT=0
-m ecn ! --ecn-ip-ect 3 ; = ; OK ; ECN match !ECT=3
-m ecn --ecn-ip-ect 4 ;  ; FAIL ecn: bad value for option "--ecn-ip-ect", or out of range (0-3).
-m ecn --ecn-ip-ect x ;  ; FAIL ecn: bad value for option "--ecn-ip-ect", or out of range (0-3).
-p udp -m ecn --ecn-tcp-ece ;  ; KERNEL xt_ecn: cannot match TCP bits for non-tcp packets
! -p tcp -m ecn --ecn-tcp-ece ;  ; KERNEL xt_ecn: cannot match TCP bits for non-tcp packets
-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-cwr --ecn-ip-ect 2 ; = ; OK ; ECN match ECE CWR ECT=2
-p tcp -m ecn --ecn-tcp-ece --ecn-tcp-ece ;  ; FAIL ecn: option "--ecn-tcp-ece" can only be used once.
%6
-p tcp -m ecn --ecn-tcp-ece ; = ; OK ; ECN match ECE
