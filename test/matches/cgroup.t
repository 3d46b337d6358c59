:OUTPUT
-m cgroup --cgroup 1 ; = ; OK ; cgroup 1
-m cgroup ! --cgroup 1 ; = ; OK ; cgroup ! 1
-m cgroup --cgroup 0 ; = ; OK ; cgroup 0
-m cgroup --cgroup 4294967295 ; = ; OK ; cgroup 4294967295
-m cgroup --cgroup 4294967296 ;  ; FAIL cgroup: bad value for option "--cgroup", or out of range (0-4294967295).
-m cgroup --cgroup foo ;  ; FAIL cgroup: bad value for option "--cgroup", or out of range (0-4294967295).
-m cgroup --path / ; -m cgroup --path "/" ; OK ; cgroup /
-m cgroup --path "" ; = ; OK ; cgroup
-m cgroup ! --path / ; -m cgroup ! --path "/" ; OK ; cgroup ! /
-m cgroup ;  ; KERNEL xt_cgroup: no path or classid specified
-m cgroup --cgroup 1 --path / ;  ; KERNEL xt_cgroup: both path and classid specified
-m cgroup --cgroup 1 --cgroup 2 ;  ; FAIL cgroup: option "--cgroup" can only be used once.
:INPUT
-m cgroup --cgroup 1 ; = ; OK ; cgroup 1
:FORWARD
-m cgroup --cgroup 1 ;  ; KERNEL x_tables: ip_tables: cgroup match: used from hooks FORWARD, but only valid from INPUT/OUTPUT/POSTROUTING
%6
:OUTPUT
-m cgroup --cgroup 1 ; = ; OK ; cgroup 1
