*mangle
:FORWARD
-j TTL ;  ; FAIL TTL: You must specify an action
-j TTL --ttl-set 5 ; = ; OK ; TTL set to 5
-j TTL --ttl-set 0 ; = ; OK ; TTL set to 0
-j TTL --ttl-set 256 ;  ; FAIL TTL: bad value for option "--ttl-set", or out of range (0-255).
-j TTL --ttl-dec 1 ; = ; OK ; TTL decrement by 1
-j TTL --ttl-dec 0 ;  ; FAIL TTL: bad value for option "--ttl-dec", or out of range (1-255).
-j TTL --ttl-inc 0 ;  ; FAIL TTL: bad value for option "--ttl-inc", or out of range (1-255).
-j TTL --ttl-inc 255 ; = ; OK ; TTL increment by 255
-j TTL --ttl-inc 1 --ttl-dec 1 ;  ; FAIL TTL: option "--ttl-dec" cannot be used together with "--ttl-inc".
-j TTL --ttl-set 1 --ttl-dec 1 ;  ; FAIL TTL: option "--ttl-set" cannot be used together with "--ttl-dec".
-j TTL ! --ttl-set 1 ;  ; FAIL TTL: option "--ttl-set" cannot be inverted.
-j TTL --ttl-set x ;  ; FAIL TTL: bad value for option "--ttl-set", or out of range (0-255).
*filter
-j TTL --ttl-set 5 ;  ; KERNEL x_tables: ip_tables: TTL target: only valid in mangle table, not filter
%6
*mangle
-j TTL --ttl-set 5 ;  ; FAIL unknown option "--ttl-set"
