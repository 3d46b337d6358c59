*raw
:PREROUTING
-j TRACE ; = ; OK ;  
*mangle
:FORWARD
-j TRACE ;  ; KERNEL x_tables: ip_tables: TRACE target: only valid in raw table, not mangle
