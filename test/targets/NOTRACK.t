*raw
:PREROUTING
-j NOTRACK ; = ; OK ; NOTRACK
*filter
:FORWARD
-j NOTRACK ;  ; KERNEL x_tables: ip_tables: NOTRACK target: only valid in raw table, not filter
*raw
:PREROUTING
-j NOTRACK --zone 5 ;  ; FAIL unknown option "--zone"
