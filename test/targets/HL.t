*mangle
:FORWARD
-j HL --hl-set 5 ;  ; FAIL unknown option "--hl-set"
%6
-j HL ;  ; FAIL HL: You must specify an action
-j HL --hl-set 5 ; = ; OK ; HL set to 5
-j HL --hl-dec 1 ; = ; OK ; HL decrement by 1
-j HL --hl-dec 0 ;  ; FAIL HL: bad value for option "--hl-dec", or out of range (1-255).
-j HL --hl-inc 0 ;  ; FAIL HL: bad value for option "--hl-inc", or out of range (1-255).
-j HL --hl-set 0 ; = ; OK ; HL set to 0
-j HL --hl-set 256 ;  ; FAIL HL: bad value for option "--hl-set", or out of range (0-255).
-j HL --hl-inc 1 --hl-dec 1 ;  ; FAIL HL: option "--hl-dec" cannot be used together with "--hl-inc".
*filter
-j HL --hl-set 5 ;  ; KERNEL x_tables: ip6_tables: HL target: only valid in mangle table, not filter
