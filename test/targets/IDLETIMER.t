*mangle
:PREROUTING
-j IDLETIMER --timeout 10 --label x ; = ; OK ; timeout:10 label:x
-j IDLETIMER --timeout 0 --label x ;  ; KERNEL xt_IDLETIMER: timeout value is zero
-j IDLETIMER --timeout 10 ;  ; FAIL IDLETIMER: option "--label" must be specified
-j IDLETIMER --label x ;  ; FAIL IDLETIMER: option "--timeout" must be specified
-j IDLETIMER ;  ; FAIL IDLETIMER: option "--timeout" must be specified
-j IDLETIMER --timeout 10 --label with-alarm --alarm ; = ; OK ; timeout:10 label:with-alarm alarm
-j IDLETIMER --timeout 4294967295 --label x ;  ; KERNEL xt_IDLETIMER: timeout value is too big
-j IDLETIMER --timeout 4294967296 --label x ;  ; FAIL IDLETIMER: bad value for option "--timeout", or out of range (0-4294967295).
-j IDLETIMER --timeout 10 --label abcdefghijklmnopqrstuvwxyz0123456789 ; -j IDLETIMER --timeout 10 --label abcdefghijklmnopqrstuvwxyz0 ; OK ; timeout:10 label:abcdefghijklmnopqrstuvwxyz0
-j IDLETIMER --timeout 10 --label "" ;  ; KERNEL xt_IDLETIMER: label is empty or not nul-terminated
-j IDLETIMER --timeout 10 --label x --label y ;  ; FAIL IDLETIMER: option "--label" can only be used once.
-j IDLETIMER --timeout x --label y ;  ; FAIL IDLETIMER: bad value for option "--timeout", or out of range (0-4294967295).
%6
-j IDLETIMER --timeout 10 --label x ; = ; OK ; timeout:10 label:x
