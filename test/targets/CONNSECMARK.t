*mangle
:INPUT
-j CONNSECMARK --save ; = ; OK ; CONNSECMARK save
-j CONNSECMARK --restore ; = ; OK ; CONNSECMARK restore
-j CONNSECMARK ;  ; FAIL CONNSECMARK target: parameter required
-j CONNSECMARK --save --restore ;  ; FAIL CONNSECMARK: option "--save" cannot be used together with "--restore".
-j CONNSECMARK --save --save ;  ; FAIL CONNSECMARK: option "--save" can only be used once.
-j CONNSECMARK ! --save ;  ; FAIL CONNSECMARK: option "--save" cannot be inverted.
*security
-j CONNSECMARK --save ; = ; OK ; CONNSECMARK save
*filter
-j CONNSECMARK --save ;  ; KERNEL xt_CONNSECMARK: only valid in 'mangle' or 'security' table, not 'filter'
%6
*mangle
-j CONNSECMARK --restore ; = ; OK ; CONNSECMARK restore
