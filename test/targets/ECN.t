*mangle
:FORWARD
-j ECN ;  ; FAIL ECN target: An operation is required
-j ECN --ecn-tcp-remove ;  ; KERNEL ipt_ECN: cannot use operation on non-tcp rule
-p tcp -j ECN --ecn-tcp-remove ; = ; OK ; ECN TCP remove
-p tcp -j ECN --ecn-tcp-cwr 1 ; = ; OK ; ECN CWR=1
-p tcp -j ECN --ecn-ip-ect 1 ; = ; OK ; ECN ECT codepoint=1
-j ECN --ecn-ip-ect 1 ; = ; OK ; ECN ECT codepoint=1
-j ECN --ecn-ip-ect 0 ; = ; OK ; ECN ECT codepoint=0
-j ECN --ecn-ip-ect 4 ;  ; FAIL ECN: bad value for option "--ecn-ip-ect", or out of range (0-3).
-p tcp -j ECN --ecn-tcp-ece 1 ; = ; OK ; ECN ECE=1
-p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 ; -p tcp -j ECN --ecn-tcp-remove ; OK ; ECN TCP remove
*filter
-p tcp -j ECN --ecn-tcp-remove ;  ; KERNEL x_tables: ip_tables: ECN target: only valid in mangle table, not filter
*mangle
-p tcp -j ECN --ecn-tcp-ece 1 --ecn-tcp-cwr 0 --ecn-ip-ect 2 ; = ; OK ; ECN ECE=1 CWR=0 ECT codepoint=2
-p tcp -j ECN --ecn-tcp-remove --ecn-tcp-cwr 0 ;  ; FAIL ECN: option "--ecn-tcp-remove" cannot be used together with "--ecn-tcp-cwr".
-p tcp -j ECN --ecn-tcp-remove --ecn-ip-ect 2 ; -p tcp -j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 2 ; OK ; ECN ECE=0 CWR=0 ECT codepoint=2
-p tcp -j ECN --ecn-tcp-ece 2 ;  ; FAIL ECN: bad value for option "--ecn-tcp-ece", or out of range (0-1).
-p tcp -j ECN --ecn-tcp-cwr 2 ;  ; FAIL ECN: bad value for option "--ecn-tcp-cwr", or out of range (0-1).
! -p tcp -j ECN --ecn-tcp-cwr 1 ;  ; KERNEL ipt_ECN: cannot use operation on non-tcp rule
%6
-p tcp -j ECN --ecn-tcp-remove ;  ; FAIL unknown option "--ecn-tcp-remove"
