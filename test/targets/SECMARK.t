# What is taken depends on the SELinux policy of the machine: only what is refused can be asked everywhere.
*mangle
:INPUT
-j SECMARK ;  ; FAIL SECMARK: option "--selctx" must be specified
-j SECMARK --selctx a --selctx b ;  ; FAIL SECMARK: option "--selctx" can only be used once.
-j SECMARK ! --selctx a ;  ; FAIL SECMARK: option "--selctx" cannot be inverted.
-j SECMARK --selctx "" ;  ; KERNEL xt_SECMARK: unable to map security context ''
-j SECMARK --secctx a ;  ; FAIL unknown option "--secctx"
*filter
-j SECMARK --selctx system_u:object_r:foo:s0 ;  ; KERNEL xt_SECMARK: only valid in 'mangle' or 'security' table, not 'filter'
