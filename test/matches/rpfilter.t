*mangle
:PREROUTING
-m rpfilter ; = ; OK ; rpfilter
-m rpfilter --loose ; = ; OK ; rpfilter loose
-m rpfilter --validmark --loose --accept-local --invert ; -m rpfilter --loose --validmark --accept-local --invert ; OK ; rpfilter loose validmark accept-local invert
*raw
-m rpfilter --invert -j DROP ; = ; OK ; rpfilter invert
:OUTPUT
-m rpfilter --invert -j DROP ;  ; KERNEL x_tables: ip_tables: rpfilter match: used from hooks OUTPUT, but only valid from PREROUTING
*filter
:INPUT
-m rpfilter ;  ; KERNEL x_tables: ip_tables: rpfilter match: used from hooks INPUT, but only valid from PREROUTING
*nat
:PREROUTING
-m rpfilter ;  ; KERNEL ipt_rpfilter: only valid in 'raw' or 'mangle' table, not 'nat'
*mangle
-m rpfilter ! --invert ;  ; FAIL rpfilter: option "--invert" cannot be inverted.
-m rpfilter --loose --loose ;  ; FAIL rpfilter: option "--loose" can only be used once.
:INPUT
-m rpfilter ;  ; KERNEL x_tables: ip_tables: rpfilter match: used from hooks INPUT, but only valid from PREROUTING
%6
:PREROUTING
-m rpfilter ; = ; OK ; rpfilter
-m rpfilter --loose --validmark ; = ; OK ; rpfilter loose validmark
